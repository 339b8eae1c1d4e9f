from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.axes import from_canonical, to_canonical
from napari_unet.data.pairing import (
    LABEL_ENDINGS,
    check_not_empty,
    check_shapes,
    pair_files,
    require_pairs,
    settle_axes,
)
from napari_unet.data.reading import Image
from napari_unet.errors import InputError

STEMS = st.lists(st.text("ab12_", min_size=1, max_size=4), unique=True, max_size=6)


def paths(folder: str, stems: list[str], ending: str = "") -> list[Path]:
    return [Path(folder, f"{stem}{ending}.tif") for stem in stems]


def image(data: np.ndarray, name: str = "a.tif", axes: str = "YX") -> Image:
    return Image(data, axes, {}, Path(name), guessed=False)


@given(images=STEMS, labels=STEMS, ending=st.sampled_from(["", *LABEL_ENDINGS]))
@settings(deadline=None, max_examples=80)
def test_every_file_is_in_one_pair_or_left_over(images: list[str], labels: list[str], ending: str) -> None:
    image_files, label_files = paths("images", images), paths("labels", labels, ending)
    pairing = pair_files(image_files, label_files)
    paired_images = [pair[0] for pair in pairing.pairs]
    paired_labels = [pair[1] for pair in pairing.pairs]
    assert sorted([*paired_images, *pairing.images_without_labels]) == sorted(image_files)
    assert sorted([*paired_labels, *pairing.labels_without_image]) == sorted(label_files)
    if len(images) != 1 or len(labels) != 1:
        assert all(pair[1].stem == pair[0].stem + ending for pair in pairing.pairs)
        assert len(pairing.pairs) == len(set(images) & set(labels))


def test_one_and_one_pair_whatever_their_names_are() -> None:
    pairing = pair_files([Path("scan.tif")], [Path("truth.png")])
    assert pairing.pairs == ((Path("scan.tif"), Path("truth.png")),)


def test_an_equal_stem_comes_before_an_ending() -> None:
    images = paths("images", ["a", "a_mask"])
    labels = paths("labels", ["a_labels", "a_mask"])
    assert pair_files(images, labels).pairs == tuple(zip(images, labels, strict=True))


def test_ome_tif_is_one_suffix() -> None:
    pairing = pair_files([Path("a.ome.tif"), Path("b.ome.tiff")], [Path("a.png"), Path("b_mask.ome.tif")])
    assert [pair[1].name for pair in pairing.pairs] == ["a.png", "b_mask.ome.tif"]


@pytest.mark.parametrize("second", ["a.png", "a_mask.tif", "a.ome.tif"])
def test_two_files_for_one_image_are_refused(second: str) -> None:
    with pytest.raises(InputError, match=r"a\.tif and .*both stand for 'a'"):
        pair_files(paths("images", ["a", "b"]), [Path("a.tif"), Path(second)])


def test_two_images_of_one_stem_are_refused() -> None:
    with pytest.raises(InputError, match="both stand for 'a'"):
        pair_files([Path("a.tif"), Path("a.png")], [Path("a.tif")])


def test_what_did_not_pair_is_listed() -> None:
    pairing = pair_files(paths("images", ["a", "b"]), paths("labels", ["b", "c"]))
    assert require_pairs(pairing) is pairing
    listed = pairing.describe_unpaired().splitlines()
    assert listed == [
        f"  image without labels: {Path('images/a.tif')}",
        f"  labels without image: {Path('labels/c.tif')}",
    ]


def test_no_pair_at_all_is_refused_with_the_list() -> None:
    pairing = pair_files(paths("images", ["a", "b"]), paths("labels", ["c", "d"]))
    with pytest.raises(InputError) as caught:
        require_pairs(pairing)
    assert all(f"{stem}.tif" in str(caught.value) for stem in "abcd")


def test_labels_of_the_shape_of_the_image_pass() -> None:
    check_shapes(image(np.zeros((2, 3, 4, 5, 6))), image(np.zeros((2, 1, 4, 5, 6))))


@pytest.mark.parametrize(("axis", "name"), [(0, "T"), (2, "Z"), (3, "Y"), (4, "X")])
def test_labels_of_another_shape_are_refused_by_axis(axis: int, name: str) -> None:
    shape = [1, 1, 4, 5, 6]
    shape[axis] += 1
    with pytest.raises(InputError, match=rf"a\.tif and b\.tif differ in {name}:.*axes ZYX"):
        check_shapes(image(np.zeros((1, 3, 4, 5, 6))), image(np.zeros(shape), "b.tif", "ZYX"))


def test_labels_are_empty_only_if_all_are() -> None:
    empty = image(np.zeros((1, 1, 2, 3, 4), int), "empty.tif")
    painted = np.zeros((2, 1, 2, 3, 4), int)
    painted[1, 0, 1, 2, 3] = 1
    check_not_empty([empty, image(painted)])
    with pytest.raises(InputError, match=r"empty: .*empty\.tif, empty\.tif"):
        check_not_empty([empty, empty])
    with pytest.raises(InputError, match="no file"):
        check_not_empty([])


def test_accents_pair_however_they_are_stored() -> None:
    composed, decomposed = (Path(unicodedata.normalize(form, "cé.tif")) for form in ("NFC", "NFD"))
    assert composed != decomposed
    pairing = pair_files([composed, Path("b.tif")], [decomposed, Path("b.tif")])
    assert pairing.pairs[0] == (composed, decomposed)


@pytest.mark.parametrize(("shape", "axes"), [((3, 4, 5), "TYX"), ((4, 4, 5), "ZYX")])
def test_a_guess_gives_way_to_axes_of_the_same_lengths(shape: tuple[int, ...], axes: str) -> None:
    guessed = replace(image(to_canonical(np.zeros(shape), "ZYX"), axes="ZYX"), guessed=True)
    named = image(to_canonical(np.zeros((3, 4, 5)), "TYX"), axes="TYX")
    for settled in (settle_axes(guessed, named)[0], settle_axes(named, guessed)[1]):
        assert (settled.axes, from_canonical(settled.data, axes).shape) == (axes, shape)
