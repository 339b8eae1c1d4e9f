"""The model file: weights and a card in one safetensors file, readable everywhere, executing nothing.

The header's metadata holds the card as JSON under the key ``napari_unet``. The card holds the checksums of the weights
and of itself, so that no damage goes unnoticed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_unet.data.files import atomic_path
from napari_unet.errors import InputError
from napari_unet.models.card import (
    ADVICE,
    CARD_KEY,
    ModelCard,
    locate,
    parse_card,
    refuse_foreign,
    sha256_of,
    unreadable,
)
from napari_unet.models.registry import build_network

if TYPE_CHECKING:
    import os

__all__ = ["ModelCard", "TrainedModel", "load_model", "read_tensors", "save_model", "write_tensors"]

SUFFIX = ".safetensors"
"""End of the name of every model file."""


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

    Raises
    ------
    InputError
        If the name ends otherwise.
    """
    if Path(path).suffix != SUFFIX:
        raise InputError(f"{path}: the name of a model ends in {SUFFIX}; give {Path(path).with_suffix(SUFFIX)}.")
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    card = model.card.model_copy(update={"weights_sha256": _fingerprint(weights), "card_sha256": ""})
    sealed = card.model_copy(update={"card_sha256": sha256_of(card.model_dump_json())})
    write_tensors(path, weights, {CARD_KEY: sealed.model_dump_json()})


def load_model(path: str | os.PathLike[str]) -> TrainedModel:
    """Read a model file.

    Parameters
    ----------
    path
        A ``.safetensors`` file written by `save_model`; ``"starter"``: the model that comes with the package.

    Returns
    -------
    TrainedModel
        The network on the CPU, in evaluation mode, and its card.

    Raises
    ------
    InputError
        If the file is missing, a pickle, damaged, foreign, or of a newer format.
    """
    file = locate(path)
    weights, metadata = read_tensors(file)
    card = parse_card(metadata, file)
    if card.weights_sha256 != _fingerprint(weights):
        raise InputError(f"{file}: the weights do not match their checksum, the file is damaged; take another copy.")
    return TrainedModel(_build(card, weights, file), card)


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
    refuse_foreign(Path(path))
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise unreadable(path, error) from None


def _build(card: ModelCard, weights: dict[str, Tensor], path: Path) -> nn.Module:
    """Make the network and give it the weights."""
    # Without memory first: a damaged card must not make a huge network.
    with torch.device("meta"):
        network = build_network(card.recipe.model, card.in_channels, card.n_classes)
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
    if expected != {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}:
        raise InputError(f"{path}: the weights do not fit the architecture of its card, the file is damaged. {ADVICE}")
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _fingerprint(weights: dict[str, Tensor]) -> str:
    """Hash names and bytes of all weights, in the order of the names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
