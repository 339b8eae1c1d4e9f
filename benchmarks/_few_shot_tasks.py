"""What the few-shot benchmark learns from and scores on: public sets, cut down to a few annotated images or cells."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tifffile import imread

from napari_unet.models.starter import load_starter
from napari_unet.samples import annotate_sparsely

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SETS = {
    "dsb": "dsb2018_stage1",
    "u373": "ctc_phc_c2dh_u373",
    "u2os": "coelho2009_u2os",
    "dic_hela": "ctc_dic_c2dh_hela",
    "psc": "ctc_phc_c2dl_psc",
    "fluo_hela": "ctc_fluo_n2dl_hela",
    "isbi": "isbi2012_em",
}


@dataclass(frozen=True)
class Effort:
    """What a person annotates: so many images, and in each of them all cells or only some."""

    images: int
    cells: int | None = None

    @property
    def scheme(self) -> Literal["dense", "sparse"]:
        """What the labels mean."""
        return "sparse" if self.cells else "dense"

    def __str__(self) -> str:
        images = f"{self.images} image{'s' * (self.images > 1)}"
        return f"{self.cells} cell{'s' * (self.cells > 1)} in {images}" if self.cells else images


@dataclass(frozen=True)
class Task:
    """Images (Y, X) with labels to learn from, and pairs of image and truth to score on."""

    images: list[NDArray[Any]]
    labels: list[NDArray[Any]]
    scheme: Literal["dense", "sparse"]
    tests: list[tuple[NDArray[Any], NDArray[Any]]]
    #: Of our U-Net, as in a recipe file, one a line; nothing: the defaults.
    settings: str = ""


def read_task(folder: Path, effort: Effort, n_tests: int) -> Task:
    """Read the first images to learn from, and others, far from them, to score on."""
    names = _unseen(folder) if (folder / "index.tsv").exists() else sorted(f.stem for f in folder.glob("images/*.tif"))
    later = names[max(effort.images, len(names) // 3) :]
    chosen = [later[int(i)] for i in np.linspace(0, len(later) - 1, min(n_tests, len(later))).round()]
    learnt = [_read_pair(folder, name) for name in names[: effort.images]]
    labels = [_annotate(truth, effort.cells) for _, truth in learnt]
    return Task([image for image, _ in learnt], labels, effort.scheme, [_read_pair(folder, name) for name in chosen])


def _annotate(truth: NDArray[Any], n_cells: int | None) -> NDArray[Any]:
    """Keep of the truth what a person would have painted; of an image with fewer cells all of them."""
    return annotate_sparsely(truth, min(n_cells, np.unique(truth[truth > 0]).size)) if n_cells else truth


def _read_pair(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read an image and its truth."""
    image, labels = (imread(folder / part / f"{name}.tif") for part in ("images", "labels"))
    return image, labels.astype(np.int32)


def _unseen(folder: Path) -> list[str]:
    """List the images of an indexed set: nuclei in fluorescence that the starter model has not learnt from."""
    with (folder / "index.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    seen = set(load_starter().card.training_data)
    wanted = [row["index"] for row in rows if row.get("type", "gray_bright_on_dark") == "gray_bright_on_dark"]
    return [name for name in wanted if f"dsb2018-{name}" not in seen]
