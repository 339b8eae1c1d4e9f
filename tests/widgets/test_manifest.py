"""What napari finds of the plugin: manifest, menus, samples; and that finding it loads nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from npe2 import PluginManager, PluginManifest

NAME = "napari-unet-interactive"
MANIFEST = PluginManifest.from_distribution(NAME)
SAMPLES = [sample.key for sample in MANIFEST.contributions.sample_data]


def test_the_manifest_is_valid_and_every_command_leads_somewhere() -> None:
    MANIFEST.validate_imports()
    assert MANIFEST.display_name == "U-Net"
    assert set(MANIFEST.categories) == {"Segmentation", "Annotation"}


def test_finding_the_plugin_loads_nothing_of_it() -> None:
    code = (
        "import sys; from npe2 import PluginManager; manager = PluginManager.instance(); manager.discover()\n"
        f"assert {NAME!r} in manager\n"
        "print([name for name in sys.modules if name.startswith(('napari_unet.', 'torch', 'qtpy', 'skimage'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def plugin(make_napari_viewer):
    """A viewer that knows this plugin."""
    manager = PluginManager.instance()
    if NAME not in manager:
        manager.register(MANIFEST)
    return make_napari_viewer()


@pytest.mark.parametrize("key", SAMPLES)
def test_samples_open_with_painted_cells_on_their_image(plugin, key: str) -> None:
    image, painted = plugin.open_sample(NAME, key)
    assert painted.data.shape == image.data.shape
    assert set(np.unique(painted.data)) == set(range(10))
    assert painted.metadata == {"napari_unet": {"scheme": "sparse"}}
    assert np.allclose(painted.scale, image.scale) and painted.units == image.units
    assert "".join(image.axis_labels) in ("yx", "zyx", "tyx")
    assert "micrometer" in str(image.units[-1])


def test_the_widget_opens_from_the_menu(plugin) -> None:
    _, widget = plugin.window.add_plugin_dock_widget(NAME, "Weight map")
    assert type(widget).__name__ == "WeightMapWidget"
