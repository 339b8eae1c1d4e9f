"""Finding the labels that belong to each image."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_unet.axes import from_canonical, spatial_axes, to_canonical
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from napari_unet.data.reading import Image

LABEL_ENDINGS = ("_labels", "_label", "_masks", "_mask", "_seg")
"""What the names of labels may have more than those of their images."""


@dataclass(frozen=True)
class Pairing:
    """Images and labels that belong together, and those that are left over.

    Attributes
    ----------
    pairs
        Image and labels, in the order of the images.
    images_without_labels
        Images left over.
    labels_without_image
        Labels left over.
    """

    pairs: tuple[tuple[Path, Path], ...]
    images_without_labels: tuple[Path, ...] = ()
    labels_without_image: tuple[Path, ...] = ()

    def describe_unpaired(self, image: str = "image", labels: str = "labels") -> str:
        """List what did not pair, one file a line, under the names that both kinds have; empty if everything did."""
        without_labels = [f"  {image} without {labels}: {path}" for path in self.images_without_labels]
        without_image = [f"  {labels} without {image}: {path}" for path in self.labels_without_image]
        return "\n".join(without_labels + without_image)


def pair_files(images: Sequence[Path], labels: Sequence[Path]) -> Pairing:
    """Pair images and labels by the stem of the file name.

    The names of labels may end in ``_labels``, ``_label``, ``_masks``, ``_mask`` or ``_seg``. One image and one
    labels file pair whatever their names are.

    Parameters
    ----------
    images
        Files of images.
    labels
        Files of labels.

    Returns
    -------
    Pairing
        The pairs and what is left over.

    Raises
    ------
    InputError
        If two files have the same stem, so that it is not clear which one is meant.

    Examples
    --------
    >>> from pathlib import Path
    >>> pairing = pair_files([Path("a.tif"), Path("b.tif")], [Path("a_mask.png"), Path("c.png")])
    >>> [(image.name, labels.name) for image, labels in pairing.pairs]
    [('a.tif', 'a_mask.png')]
    >>> print(pairing.describe_unpaired())
      image without labels: b.tif
      labels without image: c.png
    """
    if len(images) == len(labels) == 1:
        return Pairing(((images[0], labels[0]),))
    images_by_stem = _by_stem((_stem(path), path) for path in images)
    labels_by_stem = _by_stem((_image_stem(path, images_by_stem), path) for path in labels)
    return Pairing(
        pairs=tuple((path, labels_by_stem[stem]) for stem, path in images_by_stem.items() if stem in labels_by_stem),
        images_without_labels=tuple(path for stem, path in images_by_stem.items() if stem not in labels_by_stem),
        labels_without_image=tuple(path for stem, path in labels_by_stem.items() if stem not in images_by_stem),
    )


def require_pairs(pairing: Pairing) -> Pairing:
    """Refuse a pairing without a single pair.

    Parameters
    ----------
    pairing
        Result of `pair_files`.

    Returns
    -------
    Pairing
        The same.

    Raises
    ------
    InputError
        If nothing paired, with the list of the files.
    """
    if not pairing.pairs:
        raise InputError(
            "No image has labels. Files pair by their name without the ending: cell1.tif with cell1.png or "
            f"cell1_labels.tif. Rename them. Given:\n{pairing.describe_unpaired()}"
        )
    return pairing


def settle_axes(image: Image, labels: Image) -> tuple[Image, Image]:
    """Where the axes of one are but a guess, take those that the other names, if their lengths agree.

    Parameters
    ----------
    image
        The image.
    labels
        Its labels.

    Returns
    -------
    image, labels : Image
        The same pixels.
    """
    if image.guessed and not labels.guessed:
        return _named_as(image, labels), labels
    if labels.guessed and not image.guessed:
        return image, _named_as(labels, image)
    return image, labels


def check_shapes(image: Image, labels: Image) -> None:
    """Refuse labels that do not cover their image pixel by pixel.

    Parameters
    ----------
    image
        The image.
    labels
        Its labels.

    Raises
    ------
    InputError
        If T, Z, Y or X differ in length.
    """
    image_sizes, label_sizes = (dict(zip("TZYX", _without_channels(item), strict=True)) for item in (image, labels))
    if different := [axis for axis in image_sizes if image_sizes[axis] != label_sizes[axis]]:
        raise InputError(
            f"{image.path} and {labels.path} differ in {', '.join(different)}: the first has {_sizes(image_sizes)} "
            f"(axes {image.axes}), the second {_sizes(label_sizes)} (axes {labels.axes}). Both must show the same "
            "pixels: give labels made on the same image, or name the axes if they were misunderstood."
        )


def check_not_empty(labels: Iterable[Image]) -> None:
    """Refuse labels in which nothing is labelled anywhere.

    Parameters
    ----------
    labels
        Labels of all images; a single empty one among them is fine. They are read only up to the first cell.

    Raises
    ------
    InputError
        If there is no label above 0 in all of them.
    """
    paths = []
    for item in labels:
        if any(plane.any() for plane in item.planes()):
            return
        paths.append(str(item.path))
    raise InputError(
        f"All labels are empty: no pixel differs from 0 in {', '.join(paths) or 'no file at all'}. "
        "Paint some cells, or check that these are the labels."
    )


def _stem(path: Path) -> str:
    """Give the name without suffix; ``.ome.tif`` is one suffix, and an accent is a part of its letter."""
    return unicodedata.normalize("NFC", path.stem.removesuffix(".ome"))  # macOS stores it as a letter of its own


def _image_stem(path: Path, image_stems: Iterable[str]) -> str:
    """Give the stem of the image that labels belong to, or their own if there is none."""
    stem, known = _stem(path), set(image_stems)
    candidates = [stem] + [stem.removesuffix(ending) for ending in LABEL_ENDINGS if stem.endswith(ending)]
    return next((candidate for candidate in candidates if candidate in known), stem)


def _by_stem(files: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Index files by stem, each of which must be there once."""
    found: dict[str, Path] = {}
    for stem, path in files:
        if stem in found:
            raise InputError(
                f"{found[stem]} and {path} both stand for {stem!r}, one of them is allowed. "
                "Remove or rename one, or give a pattern such as 'folder/*.tif'."
            )
        found[stem] = path
    return found


def _named_as(guessed: Image, known: Image) -> Image:
    """Give an image whose axes are a guess those of another one, where both have the same lengths."""
    axes = spatial_axes(known.axes)
    if guessed.n_channels != 1 or len(axes) != len(spatial_axes(guessed.axes)):
        return guessed
    array = from_canonical(guessed.data, spatial_axes(guessed.axes))
    if array.shape != from_canonical(known.data[:, :1], axes).shape:
        return guessed
    return replace(guessed, data=to_canonical(array, axes), axes=axes, guessed=False)


def _without_channels(image: Image) -> tuple[int, ...]:
    """Give the lengths of T, Z, Y and X."""
    return image.shape[:1] + image.shape[2:]


def _sizes(sizes: dict[str, int]) -> str:
    """Write lengths for people."""
    return ", ".join(f"{axis} {size}" for axis, size in sizes.items())
