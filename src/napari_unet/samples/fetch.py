"""Public microscopy, fetched when it is first asked for and kept; each file is held to its published checksum."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from napari_unet.errors import InputError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

#: So many seconds a silent server is waited for.
_PATIENCE_S = 15
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class PublicImage:
    """An image that everybody may use.

    Attributes
    ----------
    url
        Where it is published; an address whose content never changes.
    sha256
        Checksum of the file.
    megabytes
        Size of the file.
    axes
        Names of the axes, in the order of the pixels.
    licence
        Under which it may be used.
    source
        Who made it.
    spacing
        Pixel size in µm along the axes other than C; empty: unknown.
    channels
        Names of the channels; empty: there is only one, or they are colours.
    """

    url: str
    sha256: str
    megabytes: float
    axes: str
    licence: str
    source: str
    spacing: tuple[float, ...] = ()
    channels: tuple[str, ...] = field(default=())

    @property
    def file_name(self) -> str:
        """Name of the file, published and kept."""
        return Path(urlsplit(self.url).path).name


_STORE = "https://gitlab.com/scikit-image/data/-/raw"

#: Addresses and checksums are those of scikit-image's registry of test images.
PUBLIC_IMAGES = {
    "human_mitosis": PublicImage(
        url=f"{_STORE}/2cdc5ce89b334d28f06a58c9f0ca21aa6992a5ba/AS_09125_050116030001_D03f00d0.tif",
        sha256="2751ba667c4067c5d30817cff004aa06f6f6287f1cdbb5b8c9c6a500308cb456",
        megabytes=0.3,
        axes="YX",
        licence="CC0",
        source="Moffat et al., Cell 124:1283 (2006), doi:10.1016/j.cell.2006.01.040",
    ),
    "cells3d": PublicImage(
        url=f"{_STORE}/2cdc5ce89b334d28f06a58c9f0ca21aa6992a5ba/cells3d.tif",
        sha256="afc7c7d80d38bfde09788b4064ac1e64ec14e88454ab785ebdc8dbba5ca3b222",
        megabytes=16,
        axes="ZCYX",
        licence="CC0",
        source="Allen Institute for Cell Science",
        spacing=(0.29, 0.26, 0.26),
        channels=("membranes", "nuclei"),
    ),
    "immunohistochemistry": PublicImage(
        url=f"{_STORE}/5c090b56df3988d988ff97928e2ef2d2cbe38e1b/ihc.png",
        sha256="f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
        megabytes=0.5,
        axes="YXC",
        licence="no known copyright restrictions",
        source="Center for Microscopy and Molecular Imaging (CMMI)",
    ),
}


class Transfer:
    """How far a download is. Any thread may look at it, or stop it; the download itself reports through it.

    Attributes
    ----------
    done, total
        Bytes that are here and bytes of the file; the total is 0 while it is not known.
    """

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.is_stopped = False

    def stop(self) -> None:
        """End the download at its next piece; nothing of it is kept."""
        self.is_stopped = True

    def update(self, count: int) -> None:
        """Take note of bytes that came; pooch calls it.

        Parameters
        ----------
        count
            How many.

        Raises
        ------
        InterruptedError
            If the download is to stop.
        """
        if self.is_stopped:
            raise InterruptedError("stopped")
        self.done = min(self.done + count, self.total or count)

    def reset(self) -> None:
        """Begin at nothing; pooch calls it."""
        self.done = 0

    def close(self) -> None:
        """Do nothing: pooch calls it at the end."""


def cache_folder() -> Path:
    """Give the folder that keeps public images.

    Returns
    -------
    pathlib.Path
        ``napari-unet`` where the system keeps what can be fetched again.
    """
    import pooch

    return Path(pooch.os_cache("napari-unet"))


def fetch(image: PublicImage, transfer: Transfer | None = None, folder: str | os.PathLike[str] | None = None) -> Path:
    """Give the file of a public image; it is downloaded unless it is there.

    Parameters
    ----------
    image
        One of `PUBLIC_IMAGES`.
    transfer
        Told of the progress.
    folder
        Where files are kept; None: see `cache_folder`.

    Returns
    -------
    pathlib.Path
        A file whose checksum is right.

    Raises
    ------
    InputError
        If it could be neither found nor downloaded: why, and how to do it by hand.
    """
    import pooch

    folder = Path(folder or cache_folder())
    store = pooch.create(
        path=folder, base_url="", registry={image.file_name: image.sha256}, urls={image.file_name: image.url}
    )
    downloader = pooch.HTTPDownloader(progressbar=transfer or Transfer(), chunk_size=_CHUNK_BYTES, timeout=_PATIENCE_S)
    try:
        return Path(store.fetch(image.file_name, downloader=downloader))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{image.file_name} ({image.megabytes:g} MB) could not be fetched: {_reason(error, image)}. Connect to the "
            f"internet and try again, or download {image.url} on another computer and put it there: "
            f"{folder / image.file_name}"
        ) from error


def load(image: PublicImage, transfer: Transfer | None = None) -> NDArray[Any]:
    """Give the pixels of a public image.

    Parameters
    ----------
    image
        One of `PUBLIC_IMAGES`.
    transfer
        Told of the progress.

    Returns
    -------
    numpy.ndarray
        With the axes that `PublicImage.axes` names.

    Raises
    ------
    InputError
        See `fetch`.
    """
    from skimage.io import imread

    pixels: NDArray[Any] = imread(fetch(image, transfer))
    return pixels


def _reason(error: Exception, image: PublicImage) -> str:
    """Say in short what kept a file away."""
    from requests import ConnectionError as Unreachable
    from requests import HTTPError, Timeout

    host = urlsplit(image.url).netloc
    match error:
        case InterruptedError():
            return "it was stopped"
        case HTTPError():
            return f"{host} answered {error}"
        case Unreachable() | Timeout():
            return f"{host} was not reached"
        case ValueError():
            return "what came is not the published file, its checksum differs"
    return str(error)
