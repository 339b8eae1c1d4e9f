"""`napari-unet info`: what a model is, or where a run stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.cli.messages import report
from napari_unet.cli.runs import named_model, read_counters
from napari_unet.inference.options import makes_cells_by
from napari_unet.training.pace import duration

if TYPE_CHECKING:
    import argparse

    from napari_unet.models.model_file import TrainedModel
    from napari_unet.training.run_folder import RunFolder

USAGE = "napari-unet info MODEL"


def add_arguments(parser: argparse.ArgumentParser, *, every: bool) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser
        Of this command.
    every
        Not used: there are no settings.
    """
    parser.add_argument("model", metavar="MODEL", help="Model file, 'starter', or the folder of a run (.run).")


def run(arguments: argparse.Namespace) -> int:
    """Print the card of a model, and the state if it is that of a run.

    Parameters
    ----------
    arguments
        What was given.

    Returns
    -------
    int
        0.

    Raises
    ------
    InputError
        If there is no such model.
    """
    from napari_unet.models.model_file import load_model
    from napari_unet.training.run_folder import RunFolder

    folder, model = RunFolder(Path(arguments.model)), named_model(arguments.model)
    lines = _describe_run(folder) if model == folder.model else {}
    lines |= _describe_model(load_model(model))
    width = max(map(len, lines))
    report("\n".join(f"{name:<{width}}  {value}" for name, value in lines.items()))
    return 0


def _describe_run(folder: RunFolder) -> dict[str, str]:
    """Tell how far a run is."""
    counters = read_counters(folder)
    state = f"step {counters['step']}, {duration(counters['seconds'])} of training"
    return {"run": str(folder.path), "state": state, "model": str(folder.model)}


def _describe_model(model: TrainedModel) -> dict[str, str]:
    """Tell what a model is."""
    card, network = model.card, model.card.recipe.model
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    normalization = card.recipe.normalization
    return {
        "architecture": f"{network.architecture}, depth {network.depth}, {network.base_channels} base channels",
        "parameters": f"{parameters:,}",
        "image channels": str(card.in_channels),
        "classes": ", ".join(card.class_names),
        "axes": card.axes,
        "spacing (µm)": _pairs(card.spacing) or "unknown",
        "normalisation": f"percentiles {normalization.low_percentile:g} and {normalization.high_percentile:g} of the "
        f"{normalization.over}",
        "resampling": "none" if card.scale is None else f"factor {card.scale:g}",
        "cells": "of unknown size" if card.cell_diameter_px is None else f"of about {card.cell_diameter_px:.0f} px",
        "finds cells by": _pairs(makes_cells_by(card))
        if card.recipe.training.target == "instances"
        else "nothing, it gives classes",
        "trained on": f"{len(card.training_data)} planes, annotation {card.recipe.training.scheme}",
        "metrics": _pairs(card.metrics) or "none, nothing was held out",
        "versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
        "file format": str(card.format_version),
        "weights sha256": card.weights_sha256,
    }


def _pairs(values: dict[str, float]) -> str:
    """Write names with their numbers."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())
