"""Public images: fetched once, held to their checksum, and without a network a message that helps."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage import data
from skimage.data import _registry as published
from skimage.io import imread

from napari_unet.errors import InputError
from napari_unet.samples import fetch as module
from napari_unet.samples.fetch import PUBLIC_IMAGES, PublicImage, Transfer, fetch, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 2000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server on this machine that offers one file."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "cells.bin").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def offered(address: str, sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> PublicImage:
    return PublicImage(f"{address}/cells.bin", sha256, 0.5, "YX", "CC0", "drawn")


def test_a_file_is_fetched_once_and_its_progress_told(server: str, tmp_path: Path) -> None:
    transfer = Transfer()
    path = fetch(offered(server), transfer, tmp_path / "kept")
    assert path == tmp_path / "kept" / "cells.bin"
    assert path.read_bytes() == CONTENT
    assert transfer.done == transfer.total == len(CONTENT)
    again = Transfer()
    assert fetch(offered(server), again, tmp_path / "kept") == path
    assert again.total == 0


def test_a_file_put_there_by_hand_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "cells.bin").write_bytes(CONTENT)
    assert fetch(offered("http://127.0.0.1:9"), folder=tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "sha256", "reason"),
    [
        ("", "0" * 64, "its checksum differs"),
        ("/absent", hashlib.sha256(CONTENT).hexdigest(), "404"),
    ],
)
def test_what_is_not_the_published_file_is_not_kept(
    server: str, tmp_path: Path, path: str, sha256: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        fetch(offered(server + path, sha256), folder=tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_without_a_network_the_message_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    image = offered("http://127.0.0.1:9")
    with pytest.raises(InputError) as caught:
        fetch(image, folder=tmp_path)
    message = str(caught.value)
    assert image.url in message
    assert "127.0.0.1:9 was not reached" in message
    assert str(tmp_path / "cells.bin") in message


def test_a_stopped_download_leaves_nothing(server: str, tmp_path: Path) -> None:
    transfer = Transfer()
    transfer.stop()
    with pytest.raises(InputError, match="it was stopped"):
        fetch(offered(server), transfer, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize("image", PUBLIC_IMAGES.values(), ids=PUBLIC_IMAGES)
def test_addresses_and_checksums_are_the_published_ones(image: PublicImage) -> None:
    name = {address: name for name, address in published.registry_urls.items()}[image.url]
    assert published.registry[name] == image.sha256


def test_the_image_that_comes_with_scikit_image_loads_with_its_axes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = PUBLIC_IMAGES["immunohistochemistry"]
    original = files(data) / image.file_name
    (tmp_path / image.file_name).write_bytes(original.read_bytes())
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    pixels = load(image)
    assert pixels.shape == (512, 512, 3) and image.axes == "YXC"
    assert np.array_equal(pixels, imread(str(original)))
