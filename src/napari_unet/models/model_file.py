"""The model file: weights and a card in one safetensors file, readable everywhere, executing nothing.

The header's metadata holds the card as JSON under the key ``napari_unet``. The card holds the checksums of the weights
and of itself, so that no damage goes unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_unet.config.recipe import Recipe
from napari_unet.data.files import atomic_path
from napari_unet.data.normalization import Normalization
from napari_unet.errors import InputError
from napari_unet.models.registry import build_network

if TYPE_CHECKING:
    import os

#: Raised when a file of this version cannot be read by older programs.
FORMAT_VERSION = 1
_KEY = "napari_unet"
_ADVICE = "Give a .safetensors file written by napari-unet."


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
    axes, spacing
        Axes of the training images and their pixel sizes in µm, by axis.
    small_cell_px
        Pixels of a small cell of the training data (fifth percentile), None where there were no cells.
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
    class_balance: tuple[Annotated[float, Field(gt=0)], ...] = ()
    recipe: Recipe = Recipe()
    normalization: Normalization
    axes: str = "YX"
    spacing: dict[str, float] = {}
    small_cell_px: float | None = None
    training_data: dict[str, str] = {}
    metrics: dict[str, float] = {}
    versions: dict[str, str] = {}
    weights_sha256: str = ""
    card_sha256: str = ""


@dataclass(frozen=True)
class TrainedModel:
    """A network that predicts, and its card.

    Attributes
    ----------
    network
        The network, in evaluation mode.
    card
        What it is.
    """

    network: nn.Module
    card: ModelCard


def save_model(model: TrainedModel, path: str | os.PathLike[str]) -> None:
    """Write a model file; an old file of that name is replaced only when the new one is complete.

    Parameters
    ----------
    model
        The model.
    path
        Where to write, with the suffix ``.safetensors``.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    card = model.card.model_copy(update={"weights_sha256": _fingerprint(weights), "card_sha256": ""})
    sealed = card.model_copy(update={"card_sha256": _sha256(card.model_dump_json())})
    write_tensors(path, weights, {_KEY: sealed.model_dump_json()})


def load_model(path: str | os.PathLike[str]) -> TrainedModel:
    """Read a model file.

    Parameters
    ----------
    path
        A ``.safetensors`` file written by `save_model`.

    Returns
    -------
    TrainedModel
        The network on the CPU, in evaluation mode, and its card.

    Raises
    ------
    InputError
        If the file is missing, a pickle, damaged, foreign, or of a newer format.
    """
    weights, metadata = read_tensors(path)
    card = _parse_card(metadata, Path(path))
    if card.weights_sha256 != _fingerprint(weights):
        raise InputError(f"{path}: the weights do not match their checksum, the file is damaged; take another copy.")
    return TrainedModel(_build(card, weights, Path(path)), card)


def write_tensors(path: str | os.PathLike[str], tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors and texts as safetensors, whole or not at all.

    Parameters
    ----------
    path
        Where to write.
    tensors
        Contiguous tensors by name.
    metadata
        Texts by name.
    """
    try:
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, metadata)
    except SafetensorError as error:
        # The library reports a full disk or a missing permission under its own name.
        raise OSError(f"{path}: could not be written ({error})") from None


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file.

    Parameters
    ----------
    path
        File to read.

    Returns
    -------
    tuple
        Tensors by name, on the CPU, and texts by name.

    Raises
    ------
    InputError
        If the file is missing, a pickle or damaged.
    """
    _refuse_foreign(Path(path))
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise InputError(
            f"{path}: not a readable safetensors file, damaged or cut short ({error}). {_ADVICE}"
        ) from None


def _refuse_foreign(path: Path) -> None:
    """Name the two mistakes that a look at the first bytes reveals."""
    if not path.is_file():
        raise InputError(f"{path}: no such model file. {_ADVICE}")
    with path.open("rb") as file:
        start = file.read(2)
    if start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise InputError(
            f"{path}: a Python pickle (such as .pt or .pth), which can run any code when it is opened; it was not "
            f"opened. {_ADVICE}"
        )


def _parse_card(metadata: dict[str, str], path: Path) -> ModelCard:
    """Read the card, or say what is wrong with it."""
    if _KEY not in metadata:
        raise InputError(f"{path}: a safetensors file of another program. {_ADVICE}")
    text = metadata[_KEY]
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its card is damaged ({error}); take another copy.") from None
    version, seal = (
        values.get(name) if isinstance(values, dict) else None for name in ("format_version", "card_sha256")
    )
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise InputError(f"{path}: written by a newer napari-unet (format {version}); update napari-unet.")
    if not isinstance(seal, str) or seal != _sha256(text.replace(seal, "")):
        raise InputError(f"{path}: its card does not match its checksum, the file is damaged; take another copy.")
    try:
        return ModelCard.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: its card is damaged ({place or 'all'}: {first['msg']}). {_ADVICE}") from None


def _build(card: ModelCard, weights: dict[str, Tensor], path: Path) -> nn.Module:
    """Make the network and give it the weights."""
    # Without memory first: a damaged card must not make a huge network.
    with torch.device("meta"):
        network = build_network(card.recipe.model, card.in_channels, card.n_classes)
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
    if expected != {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}:
        raise InputError(f"{path}: the weights do not fit the architecture of its card, the file is damaged. {_ADVICE}")
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _sha256(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _fingerprint(weights: dict[str, Tensor]) -> str:
    """Hash names and bytes of all weights, in the order of the names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
