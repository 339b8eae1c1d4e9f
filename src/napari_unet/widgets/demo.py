"""napari with drawn nuclei, the guide and the docks in place: ``python -m napari_unet.widgets.demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import napari

from napari_unet.widgets._dock import PLUGIN, open_dock

if TYPE_CHECKING:
    from napari.viewer import Viewer

#: In the order of the work; the first one is in front.
_DOCKS = ("Start here", "Annotate", "Weight map", "Train", "Segment")


def open_demo(viewer: Viewer) -> dict[str, Any]:
    """Open the sample and the docks.

    Parameters
    ----------
    viewer
        An empty viewer.

    Returns
    -------
    dict
        The widgets by the names of their docks.
    """
    viewer.open_sample(PLUGIN, "nuclei")
    docks = {name: open_dock(viewer, name) for name in _DOCKS}
    open_dock(viewer, _DOCKS[0])
    return docks


def main() -> None:
    """Open the demo, until the window is closed."""
    open_demo(napari.Viewer())
    napari.run()


if __name__ == "__main__":
    main()
