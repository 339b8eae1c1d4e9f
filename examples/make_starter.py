"""Make the starter model: the network that every training begins from unless told otherwise.

Run: ``python examples/make_starter.py DSB2018_FOLDER -o starter.safetensors [--seconds S] [--resume]``. What it learns
from: nuclei of the 2018 Data Science Bowl (BBBC038v1, stage 1, CC0), at many sizes, and images drawn by
``napari_unet.samples``. The folder holds ``images/NNN.tif``, ``labels/NNN.tif`` (0 is background) and ``index.tsv``
with the columns ``index`` and ``type``. One field in six is held out, with all the images that were cut from it;
the model's card names the images that were learnt from, so that what is measured on the others is honest.

References
----------
Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl", Nature Methods 16, 2019,
doi:10.1038/s41592-019-0612-7.
"""

from __future__ import annotations

import argparse
import csv
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse.csgraph import connected_components
from skimage.transform import rescale
from tifffile import imread
from tqdm import tqdm

from napari_unet.config.recipe import parse_recipe
from napari_unet.config.samples import SamplesConfig
from napari_unet.data.training_image import TrainingImage
from napari_unet.models.model_file import load_model, save_model
from napari_unet.samples import KINDS, draw_sample
from napari_unet.training.events import Stepped
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.config.recipe import Recipe

#: Cells are brought to diameters between these, px, evenly on a logarithmic scale.
DIAMETERS = (14, 56)
#: No image is larger than this, px, so that none is looked at much more often than others.
EDGE = 512
#: Stained tissue, whose outlines are rough, is learnt from less: one image in so many.
TISSUE_SHARE = 3
#: One field in so many is held out.
HELD_OUT_SHARE = 6
#: Mean foreground probability that a cell must have. On the fields held out it takes average precision from 0.74 to
#: 0.79, and SEG from 0.747 to 0.739.
MIN_PROBABILITY = 0.7


@dataclass(frozen=True)
class Nuclei:
    """One annotated image of the set; grey values (Y, X) and labels (Y, X)."""

    name: str
    kind: str
    image: NDArray[np.floating]
    labels: NDArray[Any]


def read_set(folder: Path) -> list[Nuclei]:
    """Read the whole set; colours become grey."""
    with (folder / "index.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    found = []
    for row in rows:
        image, labels = (imread(folder / part / f"{row['index']}.tif") for part in ("images", "labels"))
        grey = image.astype(np.float32) if image.ndim == 2 else image.mean(-1, dtype=np.float32)
        found.append(Nuclei(f"dsb2018-{row['index']}", row["type"], grey, labels))
    return found


def group_fields(images: list[Nuclei]) -> NDArray[np.intp]:
    """Give each image the number of its field: images whose edges continue each other were cut from one."""
    linked = np.zeros((len(images),) * 2, bool)
    for one, other in product(range(len(images)), repeat=2):
        if one != other and images[one].image.shape == images[other].image.shape:
            linked[one, other] = any(_continues(images[one].image, images[other].image, axis) for axis in (0, 1))
    return np.asarray(connected_components(linked, directed=False)[1])


def _continues(before: NDArray[np.floating], after: NDArray[np.floating], axis: int) -> bool:
    """Tell whether the first line of an image differs from the last of another no more than neighbours do."""
    inside, last, first = before.take(-2, axis), before.take(-1, axis), after.take(0, axis)
    if min(last.std(), first.std()) < 3 or np.abs(last - first).mean() > 2 * np.abs(last - inside).mean():
        return False
    return bool(np.corrcoef(last, first)[0, 1] > 0.8)


def hold_out(images: list[Nuclei]) -> list[Nuclei]:
    """Give the images that are learnt from: all but those of one field in six of each type and size."""
    fields = group_fields(images)
    strata: dict[object, list[int]] = {}
    for number, image in enumerate(images):
        members = strata.setdefault((image.kind, image.image.shape), [])
        if fields[number] not in members:
            members.append(int(fields[number]))
    held_out = {field for members in strata.values() for field in members[HELD_OUT_SHARE // 2 :: HELD_OUT_SHARE]}
    return [image for number, image in enumerate(images) if fields[number] not in held_out]


def resize(nuclei: Nuclei, random: np.random.Generator) -> TrainingImage:
    """Bring an image to a random size, and cut it."""
    typical = np.sqrt(np.median(np.bincount(nuclei.labels.ravel())[1:]) * 4 / np.pi)
    factor = _any_diameter(random) / typical
    image = rescale(nuclei.image, factor, order=1, anti_aliasing=factor < 1)
    labels = rescale(nuclei.labels, factor, order=0, preserve_range=True, anti_aliasing=False)
    top, left = (int(random.integers(max(size - EDGE, 0) + 1)) for size in labels.shape)
    part = slice(top, top + EDGE), slice(left, left + EDGE)
    return _training_image(nuclei.name, image[part], labels[part].astype(np.int32))


def draw(kind: str, number: int, random: np.random.Generator) -> TrainingImage:
    """Draw an image of a kind under random conditions."""
    config = SamplesConfig(
        object_px=_any_diameter(random),
        density=random.uniform(0.4, 1.6),
        blur=2 ** random.uniform(-1, 1.5),
        noise=2 ** random.uniform(-2, 1.5),
        contrast=2 ** random.uniform(-1, 0.5),
    )
    sample = draw_sample(kind, (EDGE * 3 // 4,) * 2, seed=number, config=config)
    return _training_image(f"{kind}-{number:03d}", sample.image, sample.labels)


def _any_diameter(random: np.random.Generator) -> float:
    """Draw a diameter, px."""
    return float(np.exp(random.uniform(*np.log(DIAMETERS))))


def _training_image(name: str, image: NDArray[Any], labels: NDArray[Any]) -> TrainingImage:
    """Give a plane the axes TCZYX."""
    return TrainingImage(name, image[None, None, None], labels[None, None, None])


def collect(folder: Path, drawings: int, seed: int) -> list[TrainingImage]:
    """Make everything that is learnt from, with so many drawings of each kind; always the same."""
    random = np.random.default_rng(seed)
    learnt = hold_out(read_set(folder))
    tissue = [image for image in learnt if image.kind.startswith("rgb")]
    nuclei = [image for image in learnt if not image.kind.startswith("rgb")] + tissue[::TISSUE_SHARE]
    real = [resize(image, random) for image in nuclei if image.labels.any()]
    return real + [draw(kind, number, random) for kind in KINDS for number in range(drawings)]


def make_recipe(seconds: float, seed: int) -> Recipe:
    """Give the recipe: everything that microscopes vary, over a wide range."""
    return parse_recipe(
        {
            "training": {
                "seconds": seconds,
                "seed": seed,
                "rescale": 1.0,
                "patch_px": 260,
                "weight_averaging": 0.998,
                "validation": "none",
                "checkpoint_seconds": 10,
            },
            "augmentation": {
                "scale": 0.5,
                "contrast": 0.7,
                "brightness": 0.3,
                "noise": 0.2,
                "dimming": 8.0,
                "invert": True,
                "blur": 2.0,
                "uneven_light": 0.15,
            },
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the set")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model file to write")
    parser.add_argument("--drawings", type=int, default=60, help="drawn images of each kind")
    parser.add_argument("--seconds", type=float, default=6000.0, help="training time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on with the run beside the output")
    arguments = parser.parse_args()
    run = arguments.output.with_suffix(".run")
    images = collect(arguments.folder, arguments.drawings, arguments.seed)
    trainer = Trainer(images, make_recipe(arguments.seconds, arguments.seed), run)
    if arguments.resume:
        trainer.resume()
    with closing(trainer.run()) as events, tqdm(total=100, unit="%", mininterval=10) as bar:
        for event in events:
            if isinstance(event, Stepped):
                bar.set_postfix(step=event.step, loss=f"{np.mean(trainer.losses[-200:]):.3f}", refresh=False)
                bar.update(100 * event.progress - bar.n)
    model = load_model(trainer.folder.model)
    # Cells of all sizes were learnt from: what starts here chooses its own factor.
    told = {"scale": None, "cell_diameter_px": None, "min_probability": MIN_PROBABILITY}
    card = model.card.model_copy(update=told)
    save_model(replace(model, card=card), arguments.output)
    print(f"{arguments.output}: {trainer.step} steps, learnt from {len(images)} images")


if __name__ == "__main__":
    main()
