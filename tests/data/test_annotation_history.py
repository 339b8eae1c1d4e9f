"""Undo gives back what was there, whoever else paints and undoes in the same array."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data import annotation_history
from napari_unet.data.annotation_counts import AnnotationCounts, count_labels
from napari_unet.data.annotation_history import Edit, EditHistory, make_step

SHAPE = (3, 6, 7)


@st.composite
def strokes(draw):
    """A stroke of a few edits: a box, a mask in it, a label."""
    edits = []
    for _ in range(draw(st.integers(1, 3))):
        low = [draw(st.integers(0, size - 1)) for size in SHAPE]
        high = [draw(st.integers(start + 1, size)) for start, size in zip(low, SHAPE, strict=True)]
        seed = draw(st.none() | st.integers(0, 9))
        edits.append((tuple(map(slice, low, high)), seed, draw(st.integers(0, 4))))
    return edits


def paint(array: np.ndarray, stroke) -> list[Edit]:
    """Paint a stroke, and tell of it as napari does."""
    edits = []
    for box, seed, label in stroke:
        region = array[box]
        mask = None if seed is None else np.random.default_rng(seed).random(region.shape) < 0.5
        edits.append(Edit(box, mask, region.copy() if mask is None else region[mask], label))
        region[...] = label if mask is None else np.where(mask, label, region)
    return edits


ACTIONS = st.lists(strokes() | st.sampled_from(["undo", "redo", "undone elsewhere", "redone elsewhere"]), max_size=25)


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_it_replays_like_a_list_of_snapshots(actions) -> None:
    array, history = np.zeros(SHAPE, np.uint16), EditHistory()
    counts = AnnotationCounts()
    snapshots, now = [array.copy()], 0
    for action in actions:
        if isinstance(action, list):
            step = make_step(array, paint(array, action))
            if step is None:
                continue
            history.add(step)
            moved = [step]
            snapshots[now + 1 :] = [array.copy()]
            now += 1
        else:
            undo, elsewhere = action.startswith("und"), action.endswith("elsewhere")
            if not (history.done if undo else history.undone):
                continue
            now += -1 if undo else 1
            if elsewhere:
                array[...] = snapshots[now]
                moved = history.follow(array)
            else:
                moved = [(history.done if undo else history.undone).pop()]
                moved[0].write(array, undo=undo)
                (history.undone if undo else history.done).append(moved[0])
        for step in moved:
            for plane, before, after in step.planes():
                counts.change(plane, *((before, after) if step in history.done else (after, before)))
        assert np.array_equal(array, snapshots[now])
        assert (len(history.done), len(history.undone)) == (now, len(snapshots) - 1 - now)
        assert {label for label in range(1, 5) if counts.has(label)} == set(count_labels(array))
    assert all(counts.tally("sparse", 42, (z,)) == recount(array[z]) for z in range(3))


def recount(labels: np.ndarray):
    counts = AnnotationCounts()
    counts.replace((), count_labels(labels))
    return counts.tally("sparse", labels.size)


def test_an_edit_that_was_told_before_it_was_made_is_the_same_step() -> None:
    array = np.zeros(SHAPE, np.uint16)
    early = make_step(array, [Edit((slice(0, 1), slice(1, 3), slice(2, 4)), None, np.zeros((1, 2, 2), np.uint16), 5)])
    array[0, 1:3, 2:4] = 5
    assert early.stands(array)
    early.write(array, undo=True)
    assert not array.any()


def test_undo_leaves_pixels_that_somebody_else_painted_since() -> None:
    array = np.zeros((1, 4), np.uint16)
    step = make_step(array, paint(array, [((slice(0, 1), slice(0, 4)), None, 2)]))
    array[0, 1] = 9
    step.write(array, undo=True)
    assert array.tolist() == [[0, 9, 0, 0]]


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(annotation_history, "MOST_STEPS", 5)
    monkeypatch.setattr(annotation_history, "MOST_BYTES", 2000)
    array, history = np.zeros((10, 100), np.uint16), EditHistory()
    for label in range(1, 20):
        width = 2 if label < 10 else 100
        history.add(make_step(array, paint(array, [((slice(0, 10), slice(0, width)), None, label)])))
        assert len(history.done) == (min(label, 5) if label < 10 else len(history.done)) >= 1
    assert len(history.done) == 1
