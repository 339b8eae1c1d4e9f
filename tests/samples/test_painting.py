"""Owners of pixels: borders carved the same however the image is cut, one piece a cell."""

from __future__ import annotations

import numpy as np

from napari_unet.samples import draw_sample, noise
from napari_unet.samples.cells import Field
from napari_unet.samples.painting import carve_borders, keep_largest_pieces


def test_labels_do_not_depend_on_how_the_image_is_cut(monkeypatch):
    whole = draw_sample("membranes", (150, 140), seed=8).labels
    monkeypatch.setattr(noise, "_SLAB_PIXELS", 140 * 7)
    np.testing.assert_array_equal(draw_sample("membranes", (150, 140), seed=8).labels, whole)


def test_carved_border_has_the_width_asked_for():
    labels = np.repeat([[1] * 10 + [2] * 10], 12, axis=0).astype(np.int32)
    carve_borders(labels, Field((12, 20), (1.0, 1.0)), width=4)
    assert labels[5].tolist() == [1] * 8 + [0] * 4 + [2] * 8


def test_only_the_largest_piece_of_a_label_stays():
    labels = np.array([[1, 1, 1, 0, 1, 2, 2]], np.int32)
    keep_largest_pieces(labels, smallest=3)
    assert labels.tolist() == [[1, 1, 1, 0, 0, 0, 0]]
