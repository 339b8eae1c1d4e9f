"""The guide: every link leads to a dock or a sample that exists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from npe2 import PluginManager, PluginManifest

from napari_unet.widgets._dock import PLUGIN, open_dock

if TYPE_CHECKING:
    from napari_unet.widgets.guide import GuideWidget

MANIFEST = PluginManifest.from_distribution(PLUGIN)


@pytest.fixture
def viewer(make_napari_viewer):
    if PLUGIN not in PluginManager.instance():
        PluginManager.instance().register(MANIFEST)
    return make_napari_viewer()


def links(guide: GuideWidget) -> list[str]:
    return [link for step in guide.steps for link in re.findall('href="(.*?)"', step.text())]


def test_every_dock_and_the_sample_of_the_guide_exist(viewer) -> None:
    offered = {f"dock:{widget.display_name}" for widget in MANIFEST.contributions.widgets} - {"dock:Start here"}
    offered |= {f"sample:{sample.key}" for sample in MANIFEST.contributions.sample_data}
    found = set(links(open_dock(viewer, "Start here")))
    assert found <= offered
    assert {link for link in offered if link.startswith("dock:")} <= found


def test_links_open_what_they_name(viewer) -> None:
    guide = open_dock(viewer, "Start here")
    for link in ("sample:nuclei", "dock:Weight map", "dock:Weight map"):
        guide.steps[0].linkActivated.emit(link)
    assert [layer.name for layer in viewer.layers] == ["nuclei", "nuclei_painted"]
    assert sum("Weight map" in name for name in viewer.window.dock_widgets) == 1
