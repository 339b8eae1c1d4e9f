"""What is in view: the plane and the rectangle, whatever the layer's geometry."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.widgets._view import plane_in_view, rectangle_in_view


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


def zoom_in(viewer, qtbot, centre: tuple[float, float], zoom: float) -> None:
    camera = getattr(viewer, "scene", viewer).camera
    camera.center, camera.zoom = centre, zoom
    qtbot.wait(50)


@pytest.mark.parametrize("scale", [(1, 1), (0.5, 0.25)])
@pytest.mark.parametrize("multiscale", [False, True])
def test_the_rectangle_is_where_one_looks(viewer, qtbot, scale, multiscale) -> None:
    pixels = np.random.default_rng(0).random((512, 400))
    data = [pixels, pixels[::2, ::2]] if multiscale else pixels
    layer = viewer.add_image(data, multiscale=multiscale, scale=scale, translate=(7, -3))
    centre = layer.data_to_world((300, 100))
    zoom_in(viewer, qtbot, centre, 40)
    rows, columns = rectangle_in_view(viewer, layer, "YX")
    assert rows.start <= 300 < rows.stop and columns.start <= 100 < columns.stop
    if not multiscale:
        assert rows.stop - rows.start < 400
    viewer.reset_view()
    qtbot.wait(50)
    assert rectangle_in_view(viewer, layer, "YX") == (slice(0, 512), slice(0, 400))


@pytest.mark.parametrize("centre", [(-3000, 100), (3000, 100), (300, -3000), (300, 3000)])
def test_an_image_out_of_view_shows_nothing(viewer, qtbot, centre) -> None:
    layer = viewer.add_image(np.random.default_rng(0).random((512, 400)))
    zoom_in(viewer, qtbot, centre, 4)
    assert 0 in [part.stop - part.start for part in rectangle_in_view(viewer, layer, "YX")]


def test_the_plane_follows_the_slider(viewer) -> None:
    layer = viewer.add_image(np.zeros((3, 2, 5, 16, 16)), scale=(1, 1, 2, 1, 1))
    for t, z in ((0, 0), (2, 4), (1, 3)):
        viewer.dims.set_current_step((0, 2), (t, z))
        assert plane_in_view(viewer, layer, "TCZYX") == (t, z)
    assert plane_in_view(viewer, viewer.add_image(np.zeros((16, 16))), "YX") == (0, 0)


def test_colours_are_no_rows(viewer, qtbot) -> None:
    layer = viewer.add_image(np.zeros((60, 40, 3), np.uint8), rgb=True)
    qtbot.wait(50)
    assert rectangle_in_view(viewer, layer, "YXC") == (slice(0, 60), slice(0, 40))


@pytest.mark.parametrize("change", ["3d", "side"])
def test_seen_from_elsewhere_it_is_the_whole_plane(viewer, qtbot, change: str) -> None:
    layer = viewer.add_image(np.zeros((5, 60, 40)))
    zoom_in(viewer, qtbot, (30, 20), 200)
    if change == "3d":
        viewer.dims.ndisplay = 3
    else:
        viewer.dims.order = (1, 0, 2)
    qtbot.wait(50)
    assert rectangle_in_view(viewer, layer, "ZYX") == (slice(0, 60), slice(0, 40))
