"""The model file: exact, readable by others, whole or not at all, and no place for pickles."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from napari_unet.errors import InputError
from napari_unet.models import model_file
from napari_unet.models.card import FORMAT_VERSION
from napari_unet.models.model_file import (
    TrainedModel,
    load_model,
    read_tensors,
    save_model,
    write_tensors,
)
from networks import equal, make_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@hypothesis_settings(deadline=None, max_examples=25)
@given(
    channels=st.tuples(st.integers(1, 4), st.integers(2, 5)),
    network=st.fixed_dictionaries(
        {"depth": st.integers(1, 3), "base_channels": st.integers(1, 4), "batch_norm": st.booleans()}
    ),
    extra=st.fixed_dictionaries(
        {
            "axes": st.sampled_from(["YX", "TCZYX"]),
            "spacing": st.dictionaries(st.sampled_from("ZYX"), st.floats(1e-6, 1e6)),
            "small_cell_px": st.none() | st.floats(1, 1e6),
            "metrics": st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False)),
            "training_data": st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
        }
    ),
)
def test_weights_and_card_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    channels: tuple[int, int],
    network: dict[str, Any],
    extra: dict[str, Any],
) -> None:
    made = make_model(*channels, model=network)
    model = TrainedModel(made.network, made.card.model_copy(update=extra))
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_model(model, path)
    loaded = load_model(path)
    assert equal(loaded, model)
    assert not loaded.network.training
    image = torch.rand(1, channels[0], *[12 * 2 ** network["depth"] - 4] * 2)
    with torch.inference_mode():
        assert torch.equal(loaded.network(image), model.network(image))


def test_a_metric_that_is_no_number_comes_back(path: Path) -> None:
    made = make_model()
    save_model(TrainedModel(made.network, made.card.model_copy(update={"metrics": {"iou": float("nan")}})), path)
    assert np.isnan(load_model(path).card.metrics["iou"])


def test_others_read_the_header_with_the_safetensors_library_alone(path: Path) -> None:
    with safe_open(path, framework="np") as file:
        card = json.loads(file.metadata()["napari_unet"])
        names = set(file.keys())
    assert card["format_version"] == FORMAT_VERSION
    assert card["recipe"]["model"]["architecture"] == "unet"
    assert {"normalization", "axes", "spacing", "class_names", "training_data", "metrics", "versions"} < card.keys()
    assert names == set(make_model().network.state_dict())


def test_saving_again_gives_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    save_model(load_model(path), path)
    assert path.read_bytes() == before


def test_saving_does_not_touch_the_model(path: Path) -> None:
    model = make_model()
    model.network.train()
    save_model(model, path)
    assert model.network.training
    assert model.card.weights_sha256 == model.card.card_sha256 == ""


def pickled_zip(path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, path)


def pickled_legacy(path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)


def pickled_plain(path: Path) -> None:
    path.write_bytes(pickle.dumps([1, 2]))


@pytest.mark.parametrize("write", [pickled_zip, pickled_legacy, pickled_plain])
def test_pickles_are_refused_unopened(path: Path, write: Callable[[Path], None]) -> None:
    write(path)
    with pytest.raises(InputError, match=r"model\.safetensors: a Python pickle .* not opened.*safetensors"):
        load_model(path)


class Bomb:
    """Object whose unpickling would be noticed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('a pickle was opened')",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_of_any_protocol_is_executed(path: Path, protocol: int) -> None:
    path.write_bytes(pickle.dumps(Bomb(), protocol))
    with pytest.raises(InputError, match=r"model\.safetensors"):
        load_model(path)


def test_a_safetensors_file_of_another_program_is_named_so(path: Path) -> None:
    for metadata in (None, {"format": "pt"}):
        save_file({"weight": np.zeros(3, np.float32)}, path, metadata)
        with pytest.raises(InputError, match=r"model\.safetensors: a safetensors file of another program"):
            load_model(path)


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 8, b"\0" * 100, b"\xff" * 100, b"some text, no model"])
def test_files_that_are_no_safetensors_are_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors: not a readable safetensors file"):
        load_model(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    places = (tmp_path, "this is a folder; give the model in it"), (tmp_path / "none.safetensors", "no such model file")
    for place, trouble in places:
        with pytest.raises(InputError, match=f"{place.name}: {trouble}"):
            load_model(place)


def test_a_model_has_the_name_of_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.pt: the name of a model ends in \.safetensors; give .*x\.safetensors"):
        save_model(make_model(), tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())


def fail_at_once(tensors: Any, path: Path, metadata: Any) -> None:
    raise OSError(28, "No space left on device")


def fail_half_way(tensors: Any, path: Path, metadata: Any) -> None:
    path.write_bytes(b"half of a file")
    raise model_file.SafetensorError("IoError: No space left on device")


def be_interrupted(tensors: Any, path: Path, metadata: Any) -> None:
    path.write_bytes(b"half of a file")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fail", "error"), [(fail_at_once, OSError), (fail_half_way, OSError), (be_interrupted, KeyboardInterrupt)]
)
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, fail: Callable[..., None], error: type[BaseException]
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(model_file, "save_file", fail)
    with pytest.raises(error):
        save_model(make_model(seed=1), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_to_is_an_error_of_the_system(path: Path) -> None:
    with pytest.raises(OSError, match=r"model\.safetensors"):
        save_model(make_model(), path / "below" / "model.safetensors")


def test_tensors_and_texts_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6).reshape(2, 3), "empty": torch.zeros(0), "number": torch.tensor(3.5)}
    write_tensors(tmp_path / "x.safetensors", tensors, {"key": "ä\n"})
    read, texts = read_tensors(tmp_path / "x.safetensors")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in tensors.items())
    assert texts["key"] == "ä\n"
