"""Damaged model files: whatever happened to the bytes, the same model or one message that names the file."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet.errors import InputError
from napari_unet.models.card import FORMAT_VERSION
from napari_unet.models.model_file import TrainedModel, load_model, save_model
from networks import equal, make_model

if TYPE_CHECKING:
    from pathlib import Path

#: A change of the bytes of a file, drawn with the given randomness.
Mutation = Callable[[bytes, Random], bytes]

N_MUTATIONS = 2_600


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a safetensors file apart: header and the bytes of the tensors."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def join(header: Any, data: bytes) -> bytes:
    """Put a safetensors file together."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def card_text(content: bytes) -> str:
    """Take the card out, its checksum of itself empty."""
    text = split(content)[0]["__metadata__"]["napari_unet"]
    return text.replace(json.loads(text)["card_sha256"], "")


def with_card(content: bytes, text: str) -> bytes:
    """Exchange the card, with a checksum that is right, so that the checks behind it are met."""
    header, data = split(content)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    header["__metadata__"]["napari_unet"] = text.replace('"card_sha256":""', f'"card_sha256":"{checksum}"')
    return join(header, data)


def edit_card(content: bytes, place: str, value: Any) -> bytes:
    """Change one value of the card, found by names with dots between them."""
    card = json.loads(card_text(content))
    *parents, last = place.split(".")
    inner = card
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    return with_card(content, json.dumps(card, separators=(",", ":")))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("recipe.model.architecture", "transformer", "card is damaged"),
        ("recipe.model.depth", 60, "card is damaged"),
        ("recipe.model.depth", 2, "do not fit the architecture"),
        ("recipe.model.depth", "deep", "card is damaged"),
        ("recipe.model.base_channels", 10**12, "card is damaged"),
        ("recipe.model.batch_norm", False, "do not fit the architecture"),
        ("recipe.model.width", 3, "card is damaged"),
        ("recipe", None, "card is damaged"),
        ("in_channels", 0, "card is damaged"),
        ("in_channels", 2**70, "card is damaged"),
        ("in_channels", 4096, "the normalisation of 4096 channels does not fit"),
        ("n_classes", 1, "card is damaged"),
        ("n_classes", 3, "names and balance of 3 classes do not fit"),
        ("class_names", 7, "card is damaged"),
        ("class_names", ["cell"], "names and balance of 2 classes do not fit"),
        ("class_balance", [1, 2, 3], "names and balance of 2 classes do not fit"),
        ("class_balance", ["Infinity", 1], "card is damaged"),
        ("scale", 1e9, "card is damaged"),
        ("scale", 1e-300, "card is damaged"),
        ("normalization", {}, "card is damaged"),
        ("normalization.n_channels", 3, "the normalisation of 1 channels does not fit"),
        ("normalization.intervals", [[0, 1], [0, 1]], "the normalisation of 1 channels does not fit"),
        ("normalization.intervals", [[5, 1]], "intervals that are none"),
        ("weights_sha256", "0" * 64, "weights do not match their checksum"),
        ("format_version", 0, "card is damaged"),
        ("format_version", "one", "card is damaged"),
        ("format_version", FORMAT_VERSION + 1, f"written by a newer napari-unet .format {FORMAT_VERSION + 1}.; update"),
        ("surprise", 1, "card is damaged"),
    ],
)
def test_a_card_that_cannot_be_true_is_refused(path: Path, place: str, value: Any, message: str) -> None:
    path.write_bytes(edit_card(path.read_bytes(), place, value))
    with pytest.raises(InputError, match=rf"model\.safetensors: .*{message}"):
        load_model(path)


def test_the_message_names_the_value_that_is_wrong(path: Path) -> None:
    path.write_bytes(edit_card(path.read_bytes(), "recipe.model.architecture", "transformer"))
    with pytest.raises(InputError, match=r"\(recipe\.model\.architecture: Input should be 'unet'\)"):
        load_model(path)


def test_the_largest_network_a_card_may_name_takes_no_memory(path: Path) -> None:
    content = path.read_bytes()
    for place, value in {"model.depth": 6, "model.base_channels": 256, "model.max_channels": 4096}.items():
        content = edit_card(content, f"recipe.{place}", value)
    for place, value in {"n_channels": 4096, "intervals": []}.items():
        content = edit_card(content, f"normalization.{place}", value)
    path.write_bytes(edit_card(content, "in_channels", 4096))
    with pytest.raises(InputError, match="do not fit the architecture"):
        load_model(path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "3", '"card"', "{}", "[" * 100_000, "9" * 5_000, '{"format_version": ' + "9" * 5_000 + "}"],
)
def test_a_card_that_is_no_card_is_refused(path: Path, text: str) -> None:
    path.write_bytes(with_card(path.read_bytes(), text))
    with pytest.raises(InputError, match=r"model\.safetensors: its card (is damaged|does not match)"):
        load_model(path)


def test_a_changed_card_is_noticed_even_where_it_makes_sense(path: Path) -> None:
    content = path.read_bytes()
    assert content.count(b"[0.0,100.0]") == 1
    path.write_bytes(content.replace(b"[0.0,100.0]", b"[0.0,900.0]"))
    with pytest.raises(InputError, match=r"model\.safetensors: its card does not match its checksum"):
        load_model(path)


def test_weights_that_changed_places_are_noticed(path: Path) -> None:
    one, other = (f"expanding.0.convolutions.{layer}.running_var" for layer in (1, 4))
    model = make_model()
    model.network.get_buffer(one).fill_(7)
    save_model(model, path)
    header, data = split(path.read_bytes())
    header[one], header[other] = header[other], header[one]
    path.write_bytes(join(header, data))
    with pytest.raises(InputError, match="weights do not match their checksum"):
        load_model(path)


def flip(content: bytes, random: Random) -> bytes:
    """Change a few bits anywhere."""
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 1, 2, 20])):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flip_in_the_beginning(content: bytes, random: Random) -> bytes:
    """Change a byte of the length or of the first names."""
    changed = bytearray(content)
    changed[random.randrange(24)] = random.randrange(256)
    return bytes(changed)


def insert(content: bytes, random: Random) -> bytes:
    """Put bytes in anywhere."""
    place = random.randrange(len(content) + 1)
    return content[:place] + random.randbytes(random.randint(1, 40)) + content[place:]


def delete(content: bytes, random: Random) -> bytes:
    """Take bytes out anywhere."""
    place = random.randrange(len(content))
    return content[:place] + content[place + random.randint(1, 60) :]


def truncate(content: bytes, random: Random) -> bytes:
    """Cut the file short: in the length, in the header or in the weights."""
    (length,) = struct.unpack("<Q", content[:8])
    region = random.choice([(0, 8), (8, 8 + length), (8 + length, len(content) - 1)])
    return content[: random.randint(*region)]


def change_length(content: bytes, random: Random) -> bytes:
    """Claim another length of the header."""
    (length,) = struct.unpack("<Q", content[:8])
    others = [0, 1, length - 1, length + 1, len(content), 10**8, 2**31, 2**63 - 1, 2**63, 2**64 - 1]
    return struct.pack("<Q", random.choice([*others, random.randrange(2 * length)])) + content[8:]


def exchange_value(content: bytes, random: Random) -> bytes:
    """Put something else in place of any value in the header."""
    header, data = split(content)
    put_garbage(header, random)
    return join(header, data)


def put_garbage(tree: dict[str, Any], random: Random) -> None:
    """Exchange any value of nested dictionaries and lists."""
    spots: list[tuple[Any, Any]] = []
    waiting: list[Any] = [tree]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        spots += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys if isinstance(inner[key], dict | list)]
    inner, key = random.choice(spots)
    garbage = [None, True, -1, 0, 1, 2**40, 2**63, 2**70, 1.5, "", "x", [], [0], [2**62] * 3, {}, {"shape": [1]}]
    inner[key] = random.choice(garbage)


def exchange_type(content: bytes, random: Random) -> bytes:
    """Claim another type of a tensor, known to the format or not, of any size."""
    header, data = split(content)
    types = "BOOL U8 I8 F4 F6_E2M3 F6_E3M2 F8_E5M2 F8_E4M3 F8_E8M0 I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64 F128"
    one = header[random.choice([name for name in header if name != "__metadata__"])]
    one["dtype"] = random.choice(types.split())
    if random.random() < 0.8:
        n_bits = 8 * (one["data_offsets"][1] - one["data_offsets"][0])
        bits = {"BOOL": 8, "BF16": 16, "C64": 64}.get(one["dtype"]) or int(one["dtype"].split("_")[0][1:])
        one["shape"] = random.choice([[n_bits // bits], [1, n_bits // bits], []])
    return join(header, data)


def exchange_tensors(content: bytes, random: Random) -> bytes:
    """Swap the places, rename or drop tensors."""
    header, data = split(content)
    one, other = random.sample([name for name in header if name != "__metadata__"], 2)
    kind = random.randrange(4)
    if kind == 0:
        header[one], header[other] = header[other], header[one]
    elif kind == 1:
        header[one]["data_offsets"], header[other]["data_offsets"] = (
            header[other]["data_offsets"],
            header[one]["data_offsets"],
        )
    elif kind == 2:
        header[random.choice(["", "x", one + "\0", "__metadata__", other])] = header.pop(one)
    else:
        del header[one]
    return join(header, data)


def damage_card(content: bytes, random: Random) -> bytes:
    """Change a character or a value of the card, with a checksum that is right."""
    text = card_text(content)
    if random.random() < 0.5:
        card = json.loads(text)
        put_garbage(card, random)
        return with_card(content, json.dumps(card, separators=(",", ":")))
    place = random.randrange(len(text))
    return with_card(content, text[:place] + random.choice('0"{}[],:-e\\ \0') + text[place + 1 :])


def damage_header_text(content: bytes, random: Random) -> bytes:
    """Repeat a name, nest deeply, or lose the quotes."""
    header, data = split(content)
    text = json.dumps(header).encode()
    return join(
        random.choice(
            [
                text[:-1] + b"," + text[1:],
                b"[" * random.randint(1, 5_000) + text,
                text.replace(b'"', b"", random.randint(1, 20)),
                text + b" " * random.randint(1, 9) + b"x",
                text[::-1],
                b"\xff" + text,
            ]
        ),
        data,
    )


MUTATIONS: list[Mutation] = [
    flip,
    flip_in_the_beginning,
    insert,
    delete,
    truncate,
    change_length,
    exchange_value,
    exchange_type,
    exchange_tensors,
    damage_header_text,
]


def check_outcome(path: Path, original: TrainedModel, content: bytes) -> bool:
    """Load a damaged file: it says the same as the original, or one line names the file; tell which."""
    path.write_bytes(content)
    try:
        loaded = load_model(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        return False
    assert equal(loaded, original)
    return True


@pytest.mark.timeout(120)
def test_no_damage_goes_unnoticed_or_ends_in_anything_but_a_message(path: Path) -> None:
    original, content, random = make_model(), path.read_bytes(), Random(2015)
    n_loaded = 0
    for mutate in islice(cycle(MUTATIONS), N_MUTATIONS):
        damaged = mutate(content, random)
        n_loaded += check_outcome(path, original, damaged) if damaged != content else 0
    # The few that load are other spellings of the same header.
    assert n_loaded < N_MUTATIONS // 20
    assert check_outcome(path, original, content)


@pytest.mark.timeout(60)
def test_a_damaged_card_with_a_right_checksum_ends_in_a_model_or_in_a_message(path: Path) -> None:
    original, content, random = make_model(), path.read_bytes(), Random(572)
    for _ in range(400):
        path.write_bytes(damage_card(content, random))
        try:
            loaded = load_model(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: ")
        else:
            assert equal(TrainedModel(loaded.network, original.card), original)
