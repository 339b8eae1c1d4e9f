"""The card of a model file, read alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet.errors import InputError
from napari_unet.models.card import read_card
from napari_unet.models.model_file import load_model, save_model
from networks import make_model

if TYPE_CHECKING:
    from pathlib import Path


def test_the_card_alone_is_that_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "cells.safetensors"
    save_model(make_model(in_channels=3), path)
    assert read_card(path) == load_model(path).card


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such model file"), (b"PK\x03\x04", "pickle"), (b"\x08", "cut short"), (b"\0" * 64, "damaged")],
)
def test_what_is_no_model_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "cells.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_card(path)


def test_a_network_in_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cells.ONNX"
    path.write_bytes(b"\x08\x07")
    with pytest.raises(InputError, match=r"an ONNX network .* Give a \.safetensors file"):
        read_card(path)


def test_a_card_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cells.safetensors"
    save_model(make_model(), path)
    path.write_bytes(path.read_bytes().replace(rb"\"class 1\"", rb"\"class 9\""))
    with pytest.raises(InputError, match="does not match its checksum"):
        read_card(path)
