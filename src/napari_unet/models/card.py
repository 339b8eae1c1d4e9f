"""The card of a model: what it is, besides its weights. Can be read without loading torch."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open

from napari_unet.config.instances import USUAL_THRESHOLD
from napari_unet.config.recipe import Recipe
from napari_unet.data.normalization import Normalization
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import os

#: Raised when a file of this version cannot be read by older programs.
FORMAT_VERSION = 1
#: Where the card stands in the metadata of the file.
CARD_KEY = "napari_unet"
ADVICE = "Give a .safetensors file written by napari-unet."

STARTER = "starter"
"""Name of the starter model, wherever a model file can be named."""
_STARTER_PATH = Path(__file__).with_name("starter.safetensors")


class ModelCard(BaseModel):
    """What a model is, besides its weights.

    Attributes
    ----------
    format_version
        Version of the file format.
    in_channels, n_classes
        Channels of the image and classes, the background included.
    class_names
        A name for each class.
    class_balance
        Weight of each class in the loss, on average; prediction takes it out again, so that probabilities are
        those of the real frequencies. Empty: nothing to take out.
    recipe
        Every setting of the run that made the model, the architecture among them.
    normalization
        How intensities are brought to the range the network knows.
    scale
        Factor by which images are resampled before the network sees them; None: not chosen yet, they are taken as they
        are, and a training that starts from this model chooses its own.
    axes, spacing
        Axes of the training images and their pixel sizes in µm, by axis, as far as they are known and alike.
    cell_diameter_px
        Diameter in px of a disc as large as a typical cell of the training data (median), None where there were none,
        or cells of all sizes.
    small_cell_px
        Size in px below which few cells are to be expected, None where the training data had no cells.
    threshold
        Probability from which a pixel is foreground, where nobody says otherwise.
    core_threshold
        Probability that cells reach inside, where nobody says otherwise; None: cells are not taken apart.
    smallest_share
        Size of the smallest cell that is kept, as a share of ``small_cell_px``, where nobody says otherwise.
    min_probability
        Mean foreground probability of the least sure cell that is kept, where nobody says otherwise.
    training_data
        SHA-256 of the annotations of each training image, by name.
    metrics
        Figures of the held-out part at the end of the training.
    versions
        Versions of the programs that wrote the file.
    weights_sha256
        SHA-256 of the weights.
    card_sha256
        SHA-256 of the JSON text of the card, taken while this value was empty.
    """

    # JSON has no word for NaN, which a metric may be: null would make the file unreadable.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    format_version: int = Field(FORMAT_VERSION, ge=1)
    in_channels: int = Field(ge=1, le=4096)
    n_classes: int = Field(ge=2, le=255)
    class_names: tuple[str, ...] = ("background", "cell")
    class_balance: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    recipe: Recipe = Recipe()
    normalization: Normalization
    scale: float | None = Field(None, ge=0.02, le=10)
    axes: str = "YX"
    spacing: dict[str, float] = {}
    cell_diameter_px: float | None = Field(None, gt=0)
    small_cell_px: float | None = None
    threshold: float = Field(USUAL_THRESHOLD, gt=0, lt=1)
    core_threshold: float | None = Field(None, gt=0, lt=1)
    smallest_share: float = Field(0.5, ge=0)
    min_probability: float = Field(0.0, ge=0, lt=1)
    training_data: dict[str, str] = {}
    metrics: dict[str, float] = {}
    versions: dict[str, str] = {}
    weights_sha256: str = ""
    card_sha256: str = ""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse lengths that do not fit each other: the network would fail with them, or give nonsense."""
        intervals = self.normalization.intervals
        if len(self.class_names) != self.n_classes or len(self.class_balance) not in (0, self.n_classes):
            raise ValueError(f"names and balance of {self.n_classes} classes do not fit")
        if self.normalization.n_channels != self.in_channels or len(intervals) not in (0, self.in_channels):
            raise ValueError(f"the normalisation of {self.in_channels} channels does not fit")
        if not all(-math.inf < low <= high < math.inf for low, high in intervals):
            raise ValueError("the normalisation has intervals that are none")
        return self


def locate(model: str | os.PathLike[str]) -> Path:
    """Give the file of a model.

    Parameters
    ----------
    model
        A model file, or ``"starter"`` for the model that comes with the package.

    Returns
    -------
    pathlib.Path
        The file; it need not be there.

    Examples
    --------
    >>> locate("starter").is_file(), locate("cells.safetensors").name
    (True, 'cells.safetensors')
    """
    return _STARTER_PATH if model == STARTER else Path(model)


def read_card(path: str | os.PathLike[str]) -> ModelCard:
    """Read the card of a model file; the weights are not looked at.

    Parameters
    ----------
    path
        A ``.safetensors`` file written by `napari_unet.save_model`, or ``"starter"``.

    Returns
    -------
    ModelCard
        What the model is.

    Raises
    ------
    InputError
        If the file is missing, a pickle, cut short, foreign, of a newer format, or its card damaged.
    """
    file = locate(path)
    refuse_foreign(file)
    try:
        with safe_open(file, framework="numpy") as opened:
            metadata = dict(opened.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise unreadable(file, error) from None
    return parse_card(metadata, file)


def unreadable(path: str | os.PathLike[str], error: Exception) -> InputError:
    """Say that a file is no sound safetensors file."""
    return InputError(f"{path}: not a readable safetensors file, damaged or cut short ({error}). {ADVICE}")


def refuse_foreign(path: Path) -> None:
    """Name the mistakes that the name or a look at the first bytes reveals.

    Parameters
    ----------
    path
        File to read.

    Raises
    ------
    InputError
        If it is missing, a pickle, or of the ONNX format.
    """
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; give the model in it, best.safetensors or last.safetensors.")
    if not path.is_file():
        raise InputError(f"{path}: no such model file. {ADVICE}")
    if path.suffix.lower() == ".onnx":
        raise InputError(f"{path}: an ONNX network does not tell how images must be prepared for it. {ADVICE}")
    with path.open("rb") as file:
        start = file.read(2)
    if start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise InputError(
            f"{path}: a Python pickle (such as .pt or .pth), which can run any code when it is opened; it was not "
            f"opened. {ADVICE}"
        )


def parse_card(metadata: dict[str, str], path: Path) -> ModelCard:
    """Read the card, or say what is wrong with it.

    Parameters
    ----------
    metadata
        Texts of the file's header.
    path
        The file, for the message.

    Returns
    -------
    ModelCard
        What the model is.

    Raises
    ------
    InputError
        If the card is missing, damaged, or of a newer format.
    """
    if CARD_KEY not in metadata:
        raise InputError(f"{path}: a safetensors file of another program. {ADVICE}")
    text = metadata[CARD_KEY]
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its card is damaged ({error}); take another copy.") from None
    version, seal = (
        values.get(name) if isinstance(values, dict) else None for name in ("format_version", "card_sha256")
    )
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise InputError(f"{path}: written by a newer napari-unet (format {version}); update napari-unet.")
    if not isinstance(seal, str) or seal != sha256_of(text.replace(seal, "")):
        raise InputError(f"{path}: its card does not match its checksum, the file is damaged; take another copy.")
    try:
        return ModelCard.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: its card is damaged ({place or 'all'}: {first['msg']}). {ADVICE}") from None


def sha256_of(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()
