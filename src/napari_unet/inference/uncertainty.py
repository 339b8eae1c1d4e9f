"""How unsure a model is of each pixel, and the search for the place where painting helps most.

The network predicts what it sees from eight sides, turned and mirrored. One that knows what it sees gives the same
answer each time. The entropy of the mean answer is all that it leaves open; the mutual information of answer and side
is the part of it that the sides disagree about (Houlsby et al.).

References
----------
Houlsby, Huszár, Ghahramani, Lengyel, "Bayesian Active Learning for Classification and Preference Learning", 2011,
arXiv:1112.5745.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_unet.config.training import WORKING_DIAMETER_PX
from napari_unet.data.cell_size import typical_diameter
from napari_unet.data.rectangles import within
from napari_unet.data.targets import read_annotation
from napari_unet.inference.averaging import predict_views
from napari_unet.inference.places import Found, Search, Searching, next_places, plan_search
from napari_unet.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterable

    from numpy.typing import NDArray

    from napari_unet.config.execution import ExecutionConfig
    from napari_unet.config.tiling import TilingConfig
    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.data.rectangles import Rectangle
    from napari_unet.inference.places import Plane
    from napari_unet.models.model_file import TrainedModel

_SIDES = "rotations and mirrors"


class UncertaintyPredictor(Predictor):
    """A trained network that tells how unsure it is: its tiles hold one channel, 0 … 1, in place of probabilities.

    Parameters
    ----------
    model
        The trained model; it is not changed.
    tiling
        How images are cut; None: as in the recipe of the model. Averaging is always over rotations and mirrors.
    execution
        Device and precision; None: the best this machine has.
    """

    def __init__(
        self, model: TrainedModel, tiling: TilingConfig | None = None, execution: ExecutionConfig | None = None
    ) -> None:
        tiling = tiling or model.card.recipe.tiling
        super().__init__(model, tiling.model_copy(update={"averaging": _SIDES}), execution)
        self._n_outputs = 1

    def _evaluate(self, window: Tensor) -> Tensor:
        """Give the uncertainty of a normalised window."""
        return uncertainty_of_views(predict_views(self.network, window, _SIDES))


def uncertainty_of_views(views: Iterable[Tensor]) -> Tensor:
    """Give the mutual information of answer and side."""
    total, own, count = torch.zeros(()), torch.zeros(()), 0
    for probabilities in views:
        total, own, count = total + probabilities, own + entropy(probabilities), count + 1
    return (entropy(total / count) - own / count).clamp_(min=0)


def entropy(probabilities: Tensor) -> Tensor:
    """Give the entropy of the classes.

    Parameters
    ----------
    probabilities
        (N, classes, y, x), classes sum to 1.

    Returns
    -------
    torch.Tensor
        (N, 1, y, x): 0 where one class is certain, 1 where all are equally probable.
    """
    found: Tensor = torch.special.entr(probabilities).sum(1, keepdim=True) / math.log(probabilities.shape[1])
    return found


class PlaceFinder:
    """Finds where painting helps most; keeps what it knows of planes as long as model and image are the same."""

    def __init__(self) -> None:
        self._version: Hashable = None
        self._predictor: UncertaintyPredictor | None = None
        self._known: _Known | None = None

    def find(self, search: Search, version: Hashable, load: Callable[[], TrainedModel]) -> Generator[Searching | Found]:
        """Search; closing the generator cancels.

        Parameters
        ----------
        search
            Where.
        version
            Tells models apart, such as a step of the training.
        load
            Gives the model; called where it is another one than before.

        Yields
        ------
        Searching, Found
            ``Found`` is the last.

        Raises
        ------
        InputError
            If the image does not fit the model.
        """
        if self._predictor is None or version != self._version:
            model = load()
            self._predictor = UncertaintyPredictor(model, execution=model.card.recipe.execution)
            self._version, self._known = version, None
        planes, box = plan_search(search, self._predictor.scale)
        if self._known is None or not self._known.fits(search, box):
            self._known = _Known(self._predictor, search, box)
        missing = [plane for plane in planes if plane not in self._known.planes]
        for done, plane in enumerate(missing):
            for share in self._known.look(search, plane):
                yield Searching((done + share) / len(missing))
        yield _choose(search, box, {plane: self._known.planes[plane] for plane in planes}, self._predictor)


class _Known:
    """The uncertainty of planes of one image."""

    def __init__(self, predictor: UncertaintyPredictor, search: Search, box: Rectangle) -> None:
        self._predictor, self._source, self._box = predictor, search.source, box
        self._scaler: PlaneScaler = predictor.card.normalization.for_image(search.image)
        self.planes: dict[Plane, NDArray[np.float32]] = {}

    def fits(self, search: Search, box: Rectangle) -> bool:
        """Tell whether a search is of the same image and the same part of its planes."""
        return (self._source, self._box) == (search.source, box)

    def look(self, search: Search, plane: Plane) -> Generator[float]:
        """Predict a plane, and tell which share of it is done."""
        t, z = plane
        filled = np.empty([part.stop - part.start for part in self._box], np.float32)
        done = 0
        for tile in self._predictor.predict_plane(search.image[t, :, z], self._scaler, self._box):
            filled[within(tile.inner, self._box)] = tile.probabilities[0]
            done += tile.probabilities.size
            yield done / filled.size
        self.planes[plane] = filled


def _choose(
    search: Search, box: Rectangle, uncertainty: dict[Plane, NDArray[np.float32]], predictor: UncertaintyPredictor
) -> Found:
    """Choose the place, as the annotation is now."""
    painted = [np.asarray(search.labels[t, 0, z]) for t, z in uncertainty]
    read = [read_annotation(labels, search.scheme) for labels in painted]
    # A plane of a dense stack that nobody got round to looks just like one without cells.
    annotated = [known & (search.scheme == "sparse" or cells.any()) for cells, known in read]
    sizes = np.concatenate([np.unique(cells[cells > 0], return_counts=True)[1] for cells, _ in read])
    diameter = typical_diameter(sizes) or predictor.card.cell_diameter_px or WORKING_DIAMETER_PX / predictor.scale
    top, left = (part.start for part in box)
    visited = [(y - top, x - left) for y, x in search.visited]
    maps = np.stack(list(uncertainty.values()))
    spots = next_places(maps, np.stack([known[box] for known in annotated]), diameter, 1, visited)
    place = None
    if spots:
        place = (*list(uncertainty)[spots[0].plane], top + spots[0].y, left + spots[0].x)
    return Found(search, box, uncertainty, place, diameter)
