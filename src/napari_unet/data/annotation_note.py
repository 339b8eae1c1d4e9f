"""What an annotation on the disk is, beside its pixels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

#: Folder within a project folder, and file within that of an annotation.
FOLDER = "annotations"
NOTE = "annotation.json"


class AnnotationNote(BaseModel):
    """What an annotation on the disk is.

    Attributes
    ----------
    name
        Name of its layer.
    scheme
        "sparse" or "dense".
    shape, dtype
        Of the whole array.
    geometry
        Where the layer lies: scale, translate and so on.
    image_name, image_path
        The image it was painted on; the path is None if the image came from no file.
    saved
        When it was last written, in seconds since 1970.
    n_cells, n_planes
        Cells in it, and planes that have a file.
    closed
        Whether it was closed properly.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    scheme: str
    shape: tuple[int, ...]
    dtype: str
    geometry: dict[str, Any]
    image_name: str = ""
    image_path: str | None = None
    saved: float = 0.0
    n_cells: int = 0
    n_planes: int = 0
    closed: bool = False


def read_note(folder: Path) -> AnnotationNote:
    """Read what an annotation is.

    Raises
    ------
    InputError
        If there is no note, or one that is damaged.
    """
    try:
        return AnnotationNote.model_validate(json.loads((folder / NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(f"{folder} holds no annotation that can be read: {error}") from error
