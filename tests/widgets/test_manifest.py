"""What napari finds of the plugin: manifest, menus, samples; and that finding it loads nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog, QPushButton
from skimage import data

from napari_unet.errors import InputError
from napari_unet.samples import fetch
from napari_unet.samples.fetch import PUBLIC_IMAGES, Transfer
from napari_unet.widgets import samples
from napari_unet.widgets._dock import PLUGIN
from napari_unet.widgets._waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST = PluginManifest.from_distribution(PLUGIN)
SAMPLES = [sample.key for sample in MANIFEST.contributions.sample_data]
DRAWN = [key for key in SAMPLES if key not in PUBLIC_IMAGES]
DOCKS = ["Start here", "Annotate", "Weight map", "Train", "Segment", "Batch", "Evaluate"]


def test_the_manifest_is_valid_and_every_command_leads_somewhere() -> None:
    MANIFEST.validate_imports()
    assert MANIFEST.display_name == "U-Net"
    assert set(MANIFEST.categories) == {"Segmentation", "Annotation"}


def test_docks_stand_in_the_order_of_the_work_and_each_in_the_menu_of_what_it_does() -> None:
    docks = {widget.command: widget.display_name for widget in MANIFEST.contributions.widgets}
    assert list(docks.values()) == DOCKS
    menus = {name: [docks[item.command] for item in items] for name, items in MANIFEST.contributions.menus.items()}
    assert menus == {
        "napari/layers/annotate": ["Annotate", "Weight map"],
        "napari/layers/segment": ["Train", "Segment", "Batch", "Evaluate"],
    }


def test_titles_of_commands_are_orders_that_name_no_other_command() -> None:
    titles = [command.title for command in MANIFEST.contributions.commands]
    assert len(set(titles)) == len(titles)
    assert all(title[0].isupper() and not title.endswith(".") for title in titles)


def test_finding_the_plugin_loads_nothing_of_it() -> None:
    heavy = ("napari_unet.", "torch", "qtpy", "skimage", "pyqtgraph", "dask", "scipy", "matplotlib", "pooch")
    code = (
        "import sys; from npe2 import PluginManager; manager = PluginManager.instance(); manager.discover()\n"
        f"assert {PLUGIN!r} in manager\n"
        f"print([name for name in sys.modules if name.startswith({heavy!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def plugin(make_napari_viewer):
    """A viewer that knows this plugin."""
    manager = PluginManager.instance()
    if PLUGIN not in manager:
        manager.register(MANIFEST)
    return make_napari_viewer()


@pytest.mark.parametrize("key", DRAWN)
def test_samples_open_with_painted_cells_on_their_image(plugin, key: str) -> None:
    image, painted = plugin.open_sample(PLUGIN, key)
    assert painted.data.shape == image.data.shape
    assert set(np.unique(painted.data)) == set(range(10))
    assert painted.metadata == {"napari_unet": {"scheme": "sparse"}}
    assert np.allclose(painted.scale, image.scale) and painted.units == image.units
    assert "".join(image.axis_labels) in ("yx", "zyx", "tyx")
    assert "micrometer" in str(image.units[-1])


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Let a public image be fetched already."""

    def keep(name: str, pixels: np.ndarray) -> None:
        monkeypatch.setattr(samples, "load", lambda image, transfer: pixels if image is PUBLIC_IMAGES[name] else None)

    return keep


def test_a_public_stack_opens_as_one_layer_a_channel(plugin, fetched) -> None:
    pixels = np.random.default_rng(0).integers(0, 999, (6, 2, 16, 16), np.uint16)
    fetched("cells3d", pixels)
    membranes, nuclei = plugin.open_sample(PLUGIN, "cells3d")
    assert [membranes.name, nuclei.name] == ["cells3d_membranes", "cells3d_nuclei"]
    assert np.array_equal(nuclei.data, pixels[:, 1])
    assert "".join(nuclei.axis_labels) == "zyx" and np.allclose(nuclei.scale, (0.29, 0.26, 0.26))
    assert nuclei.metadata["licence"] == "CC0"


def test_a_public_colour_image_opens_from_the_folder_where_it_was_put(plugin, monkeypatch, tmp_path: Path) -> None:
    file = files(data) / "ihc.png"
    (tmp_path / "ihc.png").write_bytes(file.read_bytes())
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path)
    (layer,) = plugin.open_sample(PLUGIN, "immunohistochemistry")
    assert layer.rgb and layer.data.shape == (512, 512, 3)
    assert "".join(layer.axis_labels) == "yx"


def test_a_public_image_that_cannot_be_fetched_leaves_the_viewer_as_it_was(plugin, monkeypatch) -> None:
    def fail(image: object, transfer: Transfer) -> None:
        raise InputError("not reached")

    monkeypatch.setattr(samples, "load", fail)
    with pytest.raises(InputError, match="not reached"):
        plugin.open_sample(PLUGIN, "human_mitosis")
    assert not plugin.layers


def test_the_window_lives_while_it_waits(qtbot) -> None:
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(10)
    assert (
        wait_for(lambda: (time.sleep(0.3), threading.current_thread())[1], "Sleeping.") is not threading.main_thread()
    )
    timer.stop()
    assert len(ticks) > 3


def test_waiting_can_be_cancelled(qtbot) -> None:
    transfer, over = Transfer(), threading.Event()
    transfer.total = 100

    def press_cancel() -> None:
        dialog = next(box for box in QApplication.topLevelWidgets() if isinstance(box, QProgressDialog))
        dialog.findChild(QPushButton).click()

    QTimer.singleShot(100, press_cancel)
    with pytest.raises(InputError, match=r"Fetching cells\. Stopped\."):
        wait_for(lambda: over.wait(20), "Fetching cells.", transfer)
    over.set()
    assert transfer.is_stopped


def test_errors_of_the_work_reach_the_one_who_waits(qtbot) -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        wait_for(fail, "Writing.")


@pytest.mark.parametrize("name", DOCKS)
def test_every_dock_opens_from_the_menu(plugin, monkeypatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("NAPARI_UNET_HOME", str(tmp_path))
    command = next(one.command for one in MANIFEST.contributions.widgets if one.display_name == name)
    class_name = next(one.python_name for one in MANIFEST.contributions.commands if one.id == command).split(":")[1]
    _, widget = plugin.window.add_plugin_dock_widget(PLUGIN, name)
    assert type(widget).__name__ == class_name
