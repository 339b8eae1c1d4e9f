"""Checks of the images: intensities, channels, size, and what the memory holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.data.main_memory import free_main_memory
from napari_unet.training.findings import Case, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_unet.training.survey import Intensities, SurveyedImage

_MOST_SATURATED = 0.02
_COLOURS = 3
#: Bytes of a pixel besides its channels: target, weights, and what is worked with in between.
_BYTES_PER_PX, _BYTES_PER_CHANNEL = 16, 8
_SHARE_OF_MEMORY = 0.7
_MOST_NAMED = 3


def check_intensities(case: Case) -> Iterator[Finding]:
    """Check that there is a picture in the intensities."""
    known = {image.name: image.intensities for image in case.images if image.intensities is not None}
    if constant := [name for name, seen in known.items() if seen.constant]:
        blank = all(len(seen.constant) == len(seen.saturated_share) for seen in known.values())
        yield Finding(
            "constant",
            "error" if blank else "warning",
            f"{_names(constant)}: {'the image' if blank else 'a channel, or all of it,'} has one value everywhere.",
            "Check that this is the right image; leave out channels that show nothing.",
        )
    if broken := [name for name, seen in known.items() if seen.finite_share < 1]:
        yield Finding(
            "not-finite",
            "warning",
            f"{_names(broken)}: some pixels are no numbers (NaN or infinite); they count as dark.",
            "Mend them before, or mark them to be ignored.",
        )
    if saturated := [name for name, seen in known.items() if _is_saturated(seen)]:
        yield Finding(
            "saturated",
            "warning",
            f"{_names(saturated)}: many pixels have the brightest value there is, so detail is lost.",
            "Take the original image rather than one with stretched contrast, or expose for a shorter time.",
        )


def _is_saturated(seen: Intensities) -> bool:
    """Say whether a channel is cut off at its brightest value."""
    cut = [share > _MOST_SATURATED for n, share in enumerate(seen.saturated_share) if n not in seen.constant]
    # White is the empty ground of stained slides.
    is_white = len(seen.saturated_share) == _COLOURS and all(cut)
    return any(cut) and not is_white


def check_channels(case: Case) -> Iterator[Finding]:
    """Check that all images have the channels that the network reads."""
    numbers = sorted({image.shape[1] for image in case.images})
    if len(numbers) > 1:
        yield Finding(
            "channels-differ",
            "error",
            f"The images have different numbers of channels: {', '.join(map(str, numbers))}.",
            "Take images of one kind only, or the same channels of each.",
        )
    elif case.init is not None and numbers != [case.init.in_channels]:
        yield Finding(
            "other-channels",
            "error",
            f"The images have {numbers[0]} channels, but the model to start from reads {case.init.in_channels}.",
            "Start from another model or from none, or take the channels that it knows.",
        )
    if alike := [image.name for image in case.images if image.intensities is not None and image.intensities.alike]:
        yield Finding(
            "grey-as-colour",
            "hint",
            f"{_names(alike)}: all channels hold the same, as in a grey image saved as RGB.",
            "Take one channel: that is faster, and the model then fits other grey images.",
        )


def check_classes(case: Case) -> Iterator[Finding]:
    """Check that the model to start from has the classes of the labels."""
    if case.init is None or not case.planes:
        return
    wanted = 2 if case.finds_cells else max(2, 1 + max(plane.largest_class for plane in case.planes))
    if wanted != case.init.n_classes:
        yield Finding(
            "other-classes",
            "error",
            f"The labels have {wanted} classes, but the model to start from has {case.init.n_classes}.",
            "Start from another model or from none, or annotate as for that model.",
        )


def check_size(case: Case) -> Iterator[Finding]:
    """Check that a patch fits into the images."""
    patch = case.recipe.training.patch_px
    if small := [image.name for image in case.images if min(image.shape[3:]) * case.scale < patch]:
        yield Finding(
            "small-image",
            "hint",
            f"{_names(small)}: smaller than a patch of {patch} px at the size the network works at, so much of what it "
            "reads is mirrored.",
            f"Set the patch size to {max(4, int(min(min(i.shape[3:]) for i in case.images) * case.scale))} px.",
        )


def check_memory(case: Case) -> Iterator[Finding]:
    """Check that the annotated planes fit into the memory."""
    needed, free = sum(_bytes(image, case.scale) for image in case.images), free_main_memory()
    if needed > _SHARE_OF_MEMORY * free:
        yield Finding(
            "memory",
            "warning",
            f"The annotated planes take about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free.",
            "Close other programs, annotate fewer planes, or cut out the annotated parts.",
        )


def _bytes(image: SurveyedImage, scale: float) -> float:
    """Give the memory that the annotated planes of an image take."""
    _, n_channels, _, height, width = image.shape
    return image.n_annotated * height * width * scale**2 * (_BYTES_PER_PX + _BYTES_PER_CHANNEL * n_channels)


def _names(names: list[str]) -> str:
    """List some names."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


IMAGE_CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    check_intensities,
    check_channels,
    check_classes,
    check_size,
    check_memory,
)
