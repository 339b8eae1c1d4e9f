"""Pictures of images, annotations, weight maps, probabilities and labels, for reports and documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from skimage.color import hsv2rgb
from skimage.segmentation import find_boundaries

from napari_unet.data.files import atomic_path

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

Draw: TypeAlias = Callable[[Axes], None]

#: Colours of the truth and of the prediction, told apart by everyone.
TRUTH_COLOR = (0.0, 0.75, 1.0)
PREDICTED_COLOR = (1.0, 0.6, 0.0)
_ERROR_COLORS = {"right": (0.85, 0.85, 0.85), "missed": TRUTH_COLOR, "too much": PREDICTED_COLOR}
_NOTHING = "0.3"
_GOLDEN_RATIO = 0.618034
#: A panel holds its image and its title.
_PANEL_INCHES, _IMAGE_INCHES = 4.2, 3.9
_DPI = 110


@dataclass(frozen=True)
class Panel:
    """One part of a figure.

    Attributes
    ----------
    title
        Stands above it.
    draw
        Draws it.
    """

    title: str
    draw: Draw


def write_figure(path: str | os.PathLike[str], panels: Sequence[Panel], columns: int = 3, aspect: float = 1) -> None:
    """Write panels side by side into one picture.

    Parameters
    ----------
    path
        Where to write, with the suffix ``.png``.
    panels
        What to draw, row by row.
    columns
        Panels in a row.
    aspect
        Height of the images in their widths.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    size = columns * _PANEL_INCHES, rows * (aspect * _IMAGE_INCHES + _PANEL_INCHES - _IMAGE_INCHES)
    figure = Figure(figsize=size, layout="constrained", dpi=_DPI)
    for axes, panel in zip(figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False):
        axes.set_title(panel.title, fontsize=11)
        panel.draw(axes)
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def draw_image(image: NDArray[Any]) -> Draw:
    """Draw an image in grey.

    Parameters
    ----------
    image
        (Y, X) of any real type.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    return lambda axes: _show(axes, _grey(image))


def draw_outlines(image: NDArray[Any], outlines: dict[tuple[float, float, float], NDArray[Any]]) -> Draw:
    """Draw cells as outlines over the image.

    Parameters
    ----------
    image
        (Y, X) of any real type.
    outlines
        Label images of the same shape, by colour; later ones lie above.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    picture = _grey(image)
    for color, labels in outlines.items():
        picture[find_boundaries(labels, mode="inner")] = color  # type: ignore[no-untyped-call]
    return lambda axes: _show(axes, picture)


def draw_annotation(image: NDArray[Any], annotation: NDArray[np.integer[Any]]) -> Draw:
    """Draw a sparse annotation over the image: cells in colours, annotated background in dark blue.

    Parameters
    ----------
    image
        (Y, X) of any real type.
    annotation
        Same shape: 0 not annotated, 1 background, from 2 on the cells.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    picture = _grey(image)
    painted = annotation > 0
    colors = np.vstack([np.zeros(3), (0.1, 0.2, 0.9), _colors(int(annotation.max()))])[annotation]
    picture[painted] = 0.45 * picture[painted] + 0.55 * colors[painted]
    return lambda axes: _show(axes, picture)


def draw_labels(labels: NDArray[np.integer[Any]]) -> Draw:
    """Draw each cell in a colour of its own.

    Parameters
    ----------
    labels
        (Y, X), 0 is background.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    colors = np.vstack([np.zeros(3), _colors(int(labels.max()))])
    return lambda axes: _show(axes, colors[labels])


def draw_weights(weights: NDArray[np.floating[Any]]) -> Draw:
    """Draw a weight map with its scale, logarithmic; what weighs nothing is grey.

    Parameters
    ----------
    weights
        (Y, X), not negative.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    positive = weights[weights > 0]
    norm = LogNorm(float(positive.min()), float(positive.max())) if positive.size else Normalize(0, 1)
    return lambda axes: _show_scale(axes, np.ma.masked_less_equal(weights, 0), norm, "magma")


def draw_probability(probability: NDArray[np.floating[Any]]) -> Draw:
    """Draw a probability with its scale from 0 to 1.

    Parameters
    ----------
    probability
        (Y, X).

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    return lambda axes: _show_scale(axes, probability, Normalize(0, 1), "viridis")


def draw_errors(predicted: NDArray[np.integer[Any]], truth: NDArray[np.integer[Any]]) -> Draw:
    """Draw where the foreground of prediction and truth differs.

    Parameters
    ----------
    predicted, truth
        Label images (Y, X), 0 is background.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    found, real = predicted > 0, truth > 0
    masks = dict(zip(_ERROR_COLORS, (found & real, real & ~found, found & ~real), strict=True))
    picture = np.zeros((*truth.shape, 3))
    for name, mask in masks.items():
        picture[mask] = _ERROR_COLORS[name]

    def draw(axes: Axes) -> None:
        """Draw the picture and name its colours."""
        _show(axes, picture)
        for name, color in _ERROR_COLORS.items():
            axes.plot([], [], "s", color=color, label=name)
        axes.legend(loc="lower right", fontsize=8, facecolor="black", labelcolor="white", framealpha=0.7)

    return draw


def draw_learning_curve(losses: Sequence[float]) -> Draw:
    """Draw the loss of each step and its running mean.

    Parameters
    ----------
    losses
        Weighted cross-entropy of each step, at least one.

    Returns
    -------
    Draw
        To put into a `Panel`.
    """
    width = max(1, len(losses) // 20)
    mean = np.convolve(losses, np.full(width, 1 / width), mode="valid")

    def draw(axes: Axes) -> None:
        """Draw both curves."""
        axes.plot(range(1, len(losses) + 1), losses, color="0.8", linewidth=0.8, label="each step")
        axes.plot(range(width, len(losses) + 1), mean, color="tab:blue", linewidth=1.8, label=f"mean of {width} steps")
        axes.set(xlabel="step", ylabel="weighted cross-entropy", yscale="log", box_aspect=1)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)

    return draw


def _show(axes: Axes, picture: NDArray[Any]) -> None:
    """Show a colour picture without ticks."""
    axes.imshow(picture, interpolation="none")
    axes.set_axis_off()


def _show_scale(axes: Axes, values: NDArray[Any], norm: Normalize, colormap: str) -> None:
    """Show numbers with their colour bar."""
    shown = axes.imshow(values, norm=norm, cmap=colormap, interpolation="none")
    axes.set(xticks=[], yticks=[], facecolor=_NOTHING)
    # An axis of its own keeps the picture as large as those without a scale.
    axes.figure.colorbar(shown, cax=axes.inset_axes((1.02, 0.0, 0.035, 1.0)))


def _grey(image: NDArray[Any]) -> NDArray[np.float64]:
    """Give a grey colour picture whose darkest and brightest pixels are cut off."""
    low, high = np.percentile(image, (0.5, 99.8))
    grey = np.clip((image - low) / max(high - low, 1e-9), 0, 1)
    return np.repeat(grey[..., None], 3, axis=-1)


def _colors(count: int) -> NDArray[np.float64]:
    """Give bright colours in which neighbours in number differ much."""
    numbers = np.arange(count)
    hsv = np.stack([numbers * _GOLDEN_RATIO % 1, 0.5 + 0.4 * (numbers % 2), np.where(numbers % 3, 1.0, 0.8)], axis=-1)
    return np.asarray(hsv2rgb(hsv))
