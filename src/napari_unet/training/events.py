"""What a training tells while it runs: small frozen records of numbers and paths.

Window, terminal and test read the same stream. Closing the generator ends the training; everything is saved then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Started:
    """The network stands and the data are loaded.

    Attributes
    ----------
    device, precision
        Where and how the network is computed, such as "cpu" and "bfloat16".
    n_fields
        Annotated planes learnt from.
    n_cells
        Annotated cells; 0 where classes are learnt.
    n_held_out
        Patches held out for validation.
    n_parameters
        Trainable numbers of the network.
    step
        First step: above 0 when a run is resumed.
    """

    device: str
    precision: str
    n_fields: int
    n_cells: int
    n_held_out: int
    n_parameters: int
    step: int


@dataclass(frozen=True, slots=True)
class Stepped:
    """One optimiser step is done.

    Attributes
    ----------
    step
        Steps done so far.
    loss
        Weighted cross-entropy of the step's patches.
    learning_rate
        Learning rate of the step.
    seconds
        Training time so far, pauses not counted.
    progress
        Share of the budget that is used, 0 … 1.
    """

    step: int
    loss: float
    learning_rate: float
    seconds: float
    progress: float


@dataclass(frozen=True, slots=True)
class Validated:
    """The held-out part was looked at.

    Attributes
    ----------
    step
        Steps done so far.
    loss
        Weighted cross-entropy.
    iou
        Intersection over union of the classes other than background, mean over classes.
    best
        Whether this is the best so far: no earlier one did better in both.
    """

    step: int
    loss: float
    iou: float
    best: bool

    @classmethod
    def from_numbers(cls, step: float, loss: float, iou: float, best: float) -> Validated:
        """Make it from the row of numbers as which a run keeps it."""
        return cls(int(step), loss, iou, bool(best))


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint stands on the disk.

    Attributes
    ----------
    step
        Steps it contains.
    path
        The checkpoint.
    """

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class Recovered:
    """A step gave no finite number; it was undone.

    Attributes
    ----------
    step
        Step the training went back to.
    message
        What happened and what was changed.
    """

    step: int
    message: str


@dataclass(frozen=True, slots=True)
class Annotated:
    """New annotations are in use from the next step on.

    Attributes
    ----------
    step
        Steps done so far.
    n_fields, n_cells
        Annotated planes learnt from now, and the cells in them; no cells where classes are learnt.
    """

    step: int
    n_fields: int
    n_cells: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The budget is used; the model is saved.

    Attributes
    ----------
    step
        Steps done.
    seconds
        Training time, pauses not counted.
    path
        The model file in the run folder: the best where something was held out, else the last.
    reason
        Why it ended.
    """

    step: int
    seconds: float
    path: Path
    reason: Literal["budget"]


Event = Started | Stepped | Validated | Saved | Recovered | Annotated | Finished
