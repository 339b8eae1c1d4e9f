"""How good a segmentation is: of pixels, of objects, and the measures of the ISBI 2012 challenge."""

from __future__ import annotations

from napari_unet.metrics.error_table import ObjectMatch, object_matches
from napari_unet.metrics.errors import ERROR_KINDS, CellError, ErrorKind, Errors, find_errors
from napari_unet.metrics.evaluate import Evaluation, Scores, evaluate, mean_scores, score_pair
from napari_unet.metrics.instances import IOU_THRESHOLDS, Detection, Overlaps, detection, overlaps, seg
from napari_unet.metrics.isbi import rand_error, warped, warping_error
from napari_unet.metrics.pixels import class_iou, foreground_iou, pixel_error

__all__ = [
    "ERROR_KINDS",
    "IOU_THRESHOLDS",
    "CellError",
    "Detection",
    "ErrorKind",
    "Errors",
    "Evaluation",
    "ObjectMatch",
    "Overlaps",
    "Scores",
    "class_iou",
    "detection",
    "evaluate",
    "find_errors",
    "foreground_iou",
    "mean_scores",
    "object_matches",
    "overlaps",
    "pixel_error",
    "rand_error",
    "score_pair",
    "seg",
    "warped",
    "warping_error",
]
