"""Draw the pictures of the documentation into docs/images.

python docs/make_pictures.py
    overview.png: the way from a drawn image to its labels. Trains for about two minutes.
python docs/make_pictures.py IMAGES LABELS RESULT NAME [--pair N]
    NAME.png: the first plane of one pair of images and true labels, with outlines and errors. RESULT is a model, or
    the folder of label images that `napari-unet segment` made of IMAGES; of a model also the probability is drawn.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet import Recipe, draw_sample, load_model, read_image, train, weight_map
from napari_unet.axes import to_canonical
from napari_unet.cli import pictures
from napari_unet.cli.pictures import Panel, write_figure
from napari_unet.data.pairing import pair_files, require_pairs
from napari_unet.data.reading import find_files, read_labels
from napari_unet.inference.segment import Segmenter
from napari_unet.metrics import score_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.models.model_file import TrainedModel

FOLDER = Path(__file__).parent / "images"
RECIPE = Recipe(model={"depth": 3, "base_channels": 8}, training={"steps": 800, "patch_px": 100})


def draw_overview() -> None:
    """Draw image, weight map, probability and labels of drawn nuclei."""
    known, new = draw_sample("nuclei", (512, 512), seed=1), draw_sample("nuclei", (256, 256), seed=2)
    model = train(known.image, known.labels, RECIPE)
    labels, probability = segment_first_plane(model, to_canonical(new.image, "YX"))
    panels = [
        Panel("A new image", pictures.draw_image(new.image)),
        Panel("Weights that keep cells apart", pictures.draw_weights(weight_map(new.labels))),
        Panel("Predicted probability of a cell", pictures.draw_probability(probability)),
        Panel(f"{labels.max()} cells found, of {new.labels.max()}", pictures.draw_labels(labels)),
    ]
    write_figure(FOLDER / "overview.png", panels, columns=4)


def draw_result(arguments: argparse.Namespace) -> None:
    """Draw how a result compares with the truth."""
    pairing = require_pairs(pair_files(find_files(arguments.images), find_files(arguments.labels)))
    image_file, labels_file = pairing.pairs[arguments.pair]
    data, truth = read_image(image_file).data, read_labels(labels_file).data[0, 0, 0]
    if arguments.result.is_dir():
        labels = read_labels(arguments.result / f"{image_file.stem}.tif").data[0, 0, 0]
        panels = [Panel("Cells found", pictures.draw_labels(labels))]
    else:
        labels, probability = segment_first_plane(load_model(arguments.result), data)
        panels = [Panel("Predicted probability of a cell", pictures.draw_probability(probability))]
    scores = score_pair(labels, truth)
    outlines = {pictures.TRUTH_COLOR: truth, pictures.PREDICTED_COLOR: labels}
    panels = [
        Panel("Image", pictures.draw_image(data[0, 0, 0])),
        Panel("Outlines: true (blue), found (orange)", pictures.draw_outlines(data[0, 0, 0], outlines)),
        *panels,
        Panel(f"IoU {scores.iou:.3f}, SEG {scores.seg:.3f}", pictures.draw_errors(labels, truth)),
    ]
    write_figure(FOLDER / f"{arguments.name}.png", panels, columns=2, aspect=truth.shape[0] / truth.shape[1])


def segment_first_plane(model: TrainedModel, data: Array) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give labels and the probability of foreground."""
    plane = next(Segmenter(model).planes(data, keep_probabilities=True))
    assert plane.probabilities is not None
    return plane.labels, 1 - plane.probabilities[0]


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", help="Folder of images; none: draw the overview.")
    parser.add_argument("labels", nargs="?", help="Folder of their true labels.")
    parser.add_argument("result", nargs="?", type=Path, help="A model, or a folder of label images.")
    parser.add_argument("name", nargs="?", help="Name of the picture.")
    parser.add_argument("--pair", type=int, default=0, help="Which pair, from 0.")
    arguments = parser.parse_args()
    if arguments.images is None:
        draw_overview()
    elif arguments.name is None:
        parser.error("give IMAGES LABELS RESULT NAME, or nothing")
    else:
        draw_result(arguments)


if __name__ == "__main__":
    main()
