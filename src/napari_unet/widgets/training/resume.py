"""Going on with a run: its layers, from the viewer or from the disk, and the time it has left."""

from __future__ import annotations

import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from napari.layers import Image, Labels

from napari_unet.axes import from_canonical
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.reading import read_labels
from napari_unet.errors import InputError
from napari_unet.training.run_folder import RunFolder
from napari_unet.widgets._axes import store_axes
from napari_unet.widgets._layers import result_axes, result_geometry, scheme_metadata
from napari_unet.widgets._project import image_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari

    from napari_unet.config.recipe import Recipe
    from napari_unet.training.record import Source, StoredRun
    from napari_unet.widgets.training.job import Job
    from napari_unet.widgets.training.pair import Pair

_L = TypeVar("_L", Image, Labels)
#: Layers by the folder of their run, the name of the image in it, and what they are to it; until napari ends.
_known: weakref.WeakValueDictionary[tuple[Path, str, str], Image | Labels] = weakref.WeakValueDictionary()


def offer_text(run: StoredRun) -> str:
    """Say which run one can go on with."""
    if run.is_finished:
        return f"Train on from step {run.step}"
    return f"Resume run of {time.strftime('%H:%M', time.localtime(run.saved))}, step {run.step}"


def continue_recipe(run: StoredRun, more: Recipe) -> Recipe:
    """Give a run its time.

    Parameters
    ----------
    run
        The run; if its time is not used up, it keeps what is left.
    more
        Time to add else.

    Returns
    -------
    Recipe
        That of the run, with its time.
    """
    if not run.is_finished:
        return run.recipe
    values = run.recipe.model_dump()
    if more.training.steps is None:
        values["training"] |= {"steps": None, "seconds": run.seconds + more.training.seconds}
    else:
        values["training"] |= {"steps": run.step + more.training.steps}
    return parse_recipe(values, "settings")


def remember_layers(job: Job, pairs: Sequence[Pair]) -> None:
    """Know the layers of a run again, whatever they are called later.

    Parameters
    ----------
    job
        The order for the run.
    pairs
        Layers of its images, in the same order.
    """
    for image, pair in zip(job.images, pairs, strict=True):
        _known[job.folder, image.name, "image"] = pair.image
        _known[job.folder, image.name, "labels"] = pair.labels


def restore_pairs(viewer: napari.viewer.Viewer, run: StoredRun) -> tuple[list[tuple[Image, Labels]], str]:
    """Find the layers of a run, or open them again.

    Parameters
    ----------
    viewer
        The viewer.
    run
        The run.

    Returns
    -------
    list of (Image, Labels), str
        In the order of the run; and which labels are no layer of the person's but a copy, empty: none.

    Raises
    ------
    InputError
        If an image is neither open nor where it was.
    """
    before = set(viewer.layers)
    pairs = [_restore(viewer, run, source) for source in run.record.sources]
    copies = ", ".join(f"'{labels.name}'" for _, labels in pairs if labels not in before)
    note = f"These labels of the run were not open: {copies}. What the run kept of them was opened, and is learnt from."
    return pairs, note if copies else ""


def _restore(viewer: napari.viewer.Viewer, run: StoredRun, source: Source) -> tuple[Image, Labels]:
    """Find the layers of one image, or open them again."""
    image = _find(viewer, Image, run, source) or _open(viewer, source)
    store_axes(image, source.axes)
    return image, _find(viewer, Labels, run, source) or _restore_labels(viewer, run, source, image)


def _find(viewer: napari.viewer.Viewer, kind: type[_L], run: StoredRun, source: Source) -> _L | None:
    """Find the layer that the run learnt from or, where nobody knows that any more, one of its name."""
    part: Literal["image", "labels"] = "image" if kind is Image else "labels"
    layers = [layer for layer in viewer.layers if isinstance(layer, kind)]
    known = _known.get((run.folder, source.name, part))
    others = {layer for key, layer in _known.items() if key[0] == run.folder and key[1:] != (source.name, part)}
    named = (layer for layer in layers if layer.name == getattr(source, part) and layer not in others)
    return next((layer for layer in layers if layer is known), None) or next(named, None)


def _open(viewer: napari.viewer.Viewer, source: Source) -> Image:
    """Find an image by its file, or open that."""
    opened = [layer for layer in viewer.layers if isinstance(layer, Image)]
    if source.image_path is not None and not (found := _from_file(opened, source.image_path)):
        if Path(source.image_path).exists():
            opened = [layer for layer in viewer.open(source.image_path) if isinstance(layer, Image)]
            found = _from_file(opened, source.image_path)
    else:
        found = opened[:0]
    if not found:
        place = f" at {source.image_path}" if source.image_path else ""
        raise InputError(
            f"The image {source.image!r} of this run is not open, and not to be found{place}. Open it, name its layer "
            f"{source.image!r}, and resume."
        )
    return found[0]


def _from_file(layers: list[Image], path: str) -> list[Image]:
    """Find layers of a file."""
    return [layer for layer in layers if image_path(layer) == path]


def _restore_labels(viewer: napari.viewer.Viewer, run: StoredRun, source: Source, image: Image) -> Labels:
    """Open the annotations that the run was learning from."""
    stored = read_labels(RunFolder(run.folder).annotation(source.name), "TZYX")
    return viewer.add_labels(
        from_canonical(stored.data, result_axes(source.axes)),
        name=source.labels,
        metadata=scheme_metadata(run.recipe.training.scheme),
        **result_geometry(image, source.axes),
    )
