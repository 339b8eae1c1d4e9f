"""Seals: kept by what wrote the labels, broken by every change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_unet.data.seal import is_sealed
from napari_unet.data.writing import write_labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LABELS = arrays(
    st.sampled_from([np.int32, np.uint8, np.int64]),
    array_shapes(min_dims=2, max_dims=4, max_side=4),
    elements=st.integers(0, 100),
)


@given(LABELS, st.booleans())
def test_sealed_labels_are_sealed_until_a_pixel_changes(
    tmp_path_factory: pytest.TempPathFactory, labels: NDArray[np.integer], is_large: bool
) -> None:
    path = tmp_path_factory.mktemp("seal") / "labels.tif"
    labels = labels.astype(np.int64)
    labels.flat[0] = 70_000 if is_large else 7
    write_labels(path, labels, "TZYX"[-labels.ndim :], sealed=True)
    assert is_sealed(path)
    with tifffile.TiffFile(path) as file:
        mark, stored = file.pages.first.software, file.asarray()
    stored.flat[-1] += 1
    tifffile.imwrite(path, stored, photometric="minisblack", software=mark)
    assert not is_sealed(path)


def test_what_other_programs_write_is_not_sealed(tmp_path: Path) -> None:
    labels, path = np.arange(16, dtype=np.uint16).reshape(4, 4), tmp_path / "labels.tif"
    write_labels(path, labels, "YX")
    assert not is_sealed(path)
    write_labels(path, labels, "YX", sealed=True)
    tifffile.imwrite(path, tifffile.imread(path))
    assert not is_sealed(path)


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"no picture at all"])
def test_what_cannot_be_read_is_not_sealed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.tif").write_bytes(content)
    assert not is_sealed(tmp_path / "labels.tif") and not is_sealed(tmp_path)
