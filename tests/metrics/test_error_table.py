"""What became of each object, on drawn cases of every kind."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.metrics import ObjectMatch, detection, object_matches, overlaps

LABELS = arrays(np.uint16, (5, 6), elements=st.integers(0, 3))


def test_each_kind_by_hand() -> None:
    # truth:      1 found, 2 and 3 merged, 4 split, 5 missed
    # predicted: 11 found, 12 the merge, 13 and 14 the halves of 4, 15 false
    truth = np.array([[1, 1, 1, 0, 2, 2, 3, 3, 0, 4, 4, 4, 4, 4, 4, 0, 5, 0, 0]])
    predicted = np.array([[11, 11, 0, 0, 12, 12, 12, 12, 12, 13, 13, 0, 0, 14, 14, 0, 0, 0, 15]])
    assert object_matches(overlaps(predicted, truth)) == [
        ObjectMatch("truth", 1, 11, 2 / 3, "matched"),
        ObjectMatch("truth", 2, 12, 2 / 5, "merged"),
        ObjectMatch("truth", 3, 12, 2 / 5, "merged"),
        ObjectMatch("truth", 4, 14, 2 / 6, "split"),
        ObjectMatch("truth", 5, 0, 0.0, "missed"),
        ObjectMatch("predicted", 11, 1, 2 / 3, "matched"),
        ObjectMatch("predicted", 12, 3, 2 / 5, "merged"),
        ObjectMatch("predicted", 13, 4, 2 / 6, "split"),
        ObjectMatch("predicted", 14, 4, 2 / 6, "split"),
        ObjectMatch("predicted", 15, 0, 0.0, "false"),
    ]


def test_a_match_counts_more_than_the_merge_it_is_part_of() -> None:
    # The large cell 1 is matched although 7 also swallows cell 2, which is lost by the merge.
    rows = object_matches(overlaps(np.array([[7, 7, 7, 7, 7, 7]]), np.array([[1, 1, 1, 1, 2, 2]])))
    assert [(row.label, row.kind) for row in rows] == [(1, "matched"), (2, "merged"), (7, "matched")]


def test_a_fragment_of_a_matched_cell_is_a_split() -> None:
    rows = object_matches(overlaps(np.array([[7, 7, 7, 7, 8, 8]]), np.array([[1, 1, 1, 1, 1, 1]])))
    assert [(row.label, row.kind) for row in rows] == [(1, "matched"), (7, "matched"), (8, "split")]


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_agrees_with_the_counts(predicted: np.ndarray, truth: np.ndarray) -> None:
    table = overlaps(predicted, truth)
    rows, counts = object_matches(table), detection(table, 0.5)
    found = {image: sum(r.kind == "matched" for r in rows if r.image == image) for image in ("truth", "predicted")}
    assert found == {"truth": counts.found, "predicted": counts.found}
    assert [r.label for r in rows] == [*table.truth_ids, *table.predicted_ids]
    assert {r.kind for r in rows if not r.partner} <= {"missed", "false"}


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_exchanging_the_images_turns_merges_into_splits(first: np.ndarray, second: np.ndarray) -> None:
    back = {"merged": "split", "split": "merged", "missed": "false", "false": "missed", "matched": "matched"}
    there, other = object_matches(overlaps(first, second)), object_matches(overlaps(second, first))
    kinds = {(row.image, row.label): row.kind for row in there}
    exchanged = {("truth" if r.image == "predicted" else "predicted", r.label): back[r.kind] for r in other}
    assert kinds == exchanged
