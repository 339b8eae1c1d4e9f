"""How large cells are, and what factor brings them to the size the network works best at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import stdtrit

from napari_unet.config.training import CROWDED_DIAMETER_PX, UNFAMILIAR_DIAMETER_PX, WORKING_DIAMETER_PX
from napari_unet.data.targets import read_annotation
from napari_unet.data.training_image import read_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from napari_unet.config.training import TrainingConfig
    from napari_unet.data.training_image import TrainingImage

#: Cells of less than the first diameter are brought to the working size, px; those of less than the second if the model
#: to start from knows them, but by no larger factor than the third, as segmenting takes longer by its square.
_TINY_PX, _SMALL_PX, _MOST_ENLARGED = 14.0, 28.0, 1.5
#: Up to the size of unfamiliar ones, cells are left as they are: images to come may hold larger ones. Where they are
#: crowded, larger ones too: what lies between them must be seen.
_LARGEST_CROWDED_PX = 64.0
#: Bounds of the factor: what a stray pixel taken for a cell may do.
_BOUNDS = (0.05, 3.0)
#: Share of the annotated cells that are small, and chance that a further cell is smaller than that.
_SMALL_SHARE, _SMALLER_CHANCE = 0.05, 0.1
#: How much the sizes of cells differ before any is known: standard deviation of the logarithm of their areas, and the
#: number of cells that weigh as much as this expectation.
_USUAL_SPREAD, _USUAL_WEIGHT = 0.5, 4


def cell_sizes(images: Iterable[TrainingImage], scheme: Literal["dense", "sparse"]) -> NDArray[np.int64]:
    """Count the pixels of each annotated cell.

    Parameters
    ----------
    images
        Images with their annotations.
    scheme
        What the labels mean.

    Returns
    -------
    numpy.ndarray
        A size a cell and plane, px.
    """
    sizes = [np.zeros(0, np.int64)]
    for image in images:
        for t, z in np.ndindex(image.labels.shape[0], image.labels.shape[2]):
            labels, ignore = read_labels(image, (t, z))
            sizes.append(count_cell_pixels(read_annotation(labels, scheme, ignore)[0]))
    return np.concatenate(sizes)


def count_cell_pixels(cells: NDArray[Any]) -> NDArray[np.int64]:
    """Count the pixels of each cell."""
    return np.unique(cells[cells > 0], return_counts=True)[1]


def small_cell(sizes: NDArray[np.int64]) -> float:
    """Give the size below which few cells are to be expected, also of those that nobody annotated.

    The smallest of five annotated cells is hardly ever as small as cells can be: the fewer are known, the more cautious
    the guess.

    Parameters
    ----------
    sizes
        Pixels of each annotated cell, at least one.

    Returns
    -------
    float
        Pixels: at most a twentieth of the annotated cells is smaller, and a further cell is by a chance of a tenth.

    References
    ----------
    Gelman et al., "Bayesian Data Analysis", 3rd edition, 2013, section 3.3: what a further value of a normal
    distribution, here of the logarithm of the size, is expected to be.

    Examples
    --------
    >>> [round(small_cell(np.full(n, 100))) for n in (1, 5, 50)]
    [34, 58, 84]
    """
    logs = np.log(sizes)
    freedom = _USUAL_WEIGHT + logs.size - 1
    variance = (_USUAL_WEIGHT * _USUAL_SPREAD**2 + logs.size * logs.var()) / freedom
    expected = logs.mean() + stdtrit(freedom, _SMALLER_CHANCE) * math.sqrt(variance * (1 + 1 / logs.size))
    return min(float(np.quantile(sizes, _SMALL_SHARE)), math.exp(expected))


def scale_to_working_size(sizes: NDArray[np.int64], crowded: bool = False, familiar: bool = True) -> float:
    """Give the factor that brings typical cells to the size the network works best at.

    Parameters
    ----------
    sizes
        Pixels of each cell.
    crowded
        Whether most nearly touch another one.
    familiar
        Whether the model to start from knows such cells at the working size. Large ones that it does not know are
        looked at more closely, and all but the smallest of them are not enlarged.

    Returns
    -------
    float
        Factor along each axis; 1 where cells are about right, or where there are none.

    Examples
    --------
    >>> scale_to_working_size(np.array([7854]))
    0.32
    >>> scale_to_working_size(np.array([7854]), familiar=False)
    0.45
    >>> scale_to_working_size(np.array([7854]), crowded=True)
    0.56
    >>> scale_to_working_size(np.array([800])), scale_to_working_size(np.array([314]), familiar=False)
    (1.0, 1.0)
    """
    typical = typical_diameter(sizes)
    return 1.0 if typical is None else _scale_to_fit(typical, crowded, familiar)


def choose_scale(config: TrainingConfig, kept: float | None, measure: Callable[[], float]) -> float:
    """Give the factor by which the images of a run are resampled.

    Parameters
    ----------
    config
        May name the factor.
    kept
        Factor of the model to start from; None: there is none, and it follows from the annotated cells.
    measure
        Gives the factor that suits the annotated cells; only called where these decide.

    Returns
    -------
    float
        The one factor; 1 where there are no cells to measure.
    """
    if config.rescale is not None:
        return config.rescale
    if kept is not None:
        return kept
    return measure() if config.target == "instances" else 1.0


def scale_to_wanted(trained: float | None, trained_px: float | None, wanted_px: float | None) -> float:
    """Give the factor by which images are resampled for a trained network.

    Parameters
    ----------
    trained
        Factor in its training; None: images were taken as they were.
    trained_px
        Typical diameter of the cells it learnt from, px; None: unknown, it knows those of usual sizes.
    wanted_px
        Typical diameter of the cells in the images, px; None: as in training.

    Returns
    -------
    float
        Factor along each axis, with which the network sees cells at the size it knows.

    Examples
    --------
    >>> scale_to_wanted(0.5, 60, None), scale_to_wanted(0.5, 60, 120), scale_to_wanted(None, None, 100)
    (0.5, 0.25, 0.32)
    """
    trained = trained or 1.0
    if wanted_px is None:
        return trained
    if trained_px is None:
        return trained * _scale_to_fit(wanted_px * trained)
    return min(trained * trained_px / wanted_px, max(trained, _BOUNDS[1]))


def typical_diameter(sizes: NDArray[np.int64]) -> float | None:
    """Give the diameter of a disc as large as a typical cell.

    Parameters
    ----------
    sizes
        Pixels of each cell.

    Returns
    -------
    float
        Pixels; None where there are no cells.
    """
    return math.sqrt(float(np.median(sizes)) * 4 / math.pi) if sizes.size else None


def _scale_to_fit(diameter: float, crowded: bool = False, familiar: bool = True) -> float:
    """Give the factor that brings cells of this diameter, px, to a size the network works well at."""
    largest, large = float(UNFAMILIAR_DIAMETER_PX), WORKING_DIAMETER_PX if familiar else UNFAMILIAR_DIAMETER_PX
    if crowded:
        largest, large = _LARGEST_CROWDED_PX, CROWDED_DIAMETER_PX
    factor = 1.0
    if diameter > largest:
        factor = large / diameter
    elif diameter < _TINY_PX:
        factor = WORKING_DIAMETER_PX / diameter
    elif familiar and diameter < _SMALL_PX:
        factor = min(WORKING_DIAMETER_PX / diameter, _MOST_ENLARGED)
    return round(min(max(factor, _BOUNDS[0]), _BOUNDS[1]), 2)
