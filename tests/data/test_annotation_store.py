"""What was painted is on the disk, plane by plane, and only those that nobody works on are found."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data.annotation_note import AnnotationNote, read_note
from napari_unet.data.annotation_search import delete_annotation, find_annotations
from napari_unet.data.annotation_store import AnnotationStore, blank_labels, reopen
from napari_unet.errors import InputError

SHAPE = (2, 3, 5, 6)


def note(shape=SHAPE, dtype="uint16") -> AnnotationNote:
    return AnnotationNote(name="cells", scheme="sparse", shape=shape, dtype=dtype, geometry={"scale": [1.0]})


@settings(max_examples=15, deadline=None)
@given(st.data(), st.sampled_from(["uint8", "uint16", "int32", "int64"]))
def test_what_is_written_is_read(tmp_path_factory, data, dtype) -> None:
    project = tmp_path_factory.mktemp("project")
    store, array = AnnotationStore(project, "cells"), np.zeros(SHAPE, dtype)
    for _ in range(data.draw(st.integers(1, 6))):
        plane = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 2)))
        array[plane] = data.draw(st.integers(0, 3)) * (np.random.default_rng().random(SHAPE[2:]) < 0.5)
        store.write_plane(plane, array[plane])
    store.write_note(note(dtype=dtype))
    if store.folder is None:
        assert not array.any() and not any(project.iterdir())
        return
    again, damaged = reopen(store.folder).read()
    assert np.array_equal(again, array) and again.dtype == array.dtype and not damaged
    assert read_note(store.folder).n_cells == len(set(np.unique(array)) - {0, 1})


def test_only_planes_that_changed_are_written(tmp_path) -> None:
    store = AnnotationStore(tmp_path, "a/b:c")
    plane = np.array([[0, 2]], np.uint16)
    store.write_plane((0,), plane * 0)
    assert store.folder is None
    store.write_plane((1,), plane)
    assert store.folder.name == "a_b_c"
    (file,) = store.folder.glob("*.tif")
    os.utime(file, (1, 1))
    store.write_plane((1,), plane)
    assert file.stat().st_mtime == 1
    store.write_plane((1,), plane * 0)
    assert file.stat().st_mtime != 1
    file.unlink()
    store.write_plane((1,), plane * 0)
    assert file.exists()


def test_two_at_once_have_a_folder_each_and_are_not_offered(tmp_path) -> None:
    stores = [AnnotationStore(tmp_path / "project", "cells") for _ in range(2)]
    for store in stores:
        store.write_plane((), np.ones((2, 2), np.uint16))
        store.write_note(note((2, 2)))
    assert stores[0].folder != stores[1].folder
    assert find_annotations(tmp_path) == []
    assert not reopen(stores[0].folder).lock()
    with pytest.raises(InputError, match="open in another window"):
        delete_annotation(stores[0].folder)
    stores[0].release()
    assert [folder for folder, _ in find_annotations(tmp_path)] == [stores[0].folder]
    delete_annotation(stores[0].folder)
    assert not stores[0].folder.exists()


def test_a_killed_program_leaves_its_annotation_free(tmp_path) -> None:
    code = (
        "import sys, os, signal, numpy as np; from pathlib import Path\n"
        "from napari_unet.data.annotation_store import AnnotationStore\n"
        "from napari_unet.data.annotation_note import AnnotationNote\n"
        "store = AnnotationStore(Path(sys.argv[1]) / 'project', 'cells')\n"
        "store.write_plane((), np.full((2, 2), 2, np.uint16))\n"
        "store.write_note(AnnotationNote(name='a', scheme='sparse', shape=(2, 2), dtype='uint16', geometry={}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == -9
    ((folder, found),) = find_annotations(tmp_path)
    assert (found.n_cells, found.closed) == (1, False)
    assert reopen(folder).read()[0].tolist() == [[2, 2], [2, 2]]


def test_a_damaged_plane_loses_no_other(tmp_path) -> None:
    store = AnnotationStore(tmp_path, "cells")
    for plane in ((0,), (1,)):
        store.write_plane(plane, np.full((2, 2), 3, np.uint16))
    store.write_note(note((2, 2, 2)))
    bad = store.folder / "plane_00000.tif"
    bad.write_bytes(b"II*")
    array, damaged = reopen(store.folder).read()
    assert damaged == [bad] and not array[0].any() and (array[1] == 3).all()


def test_a_damaged_note_is_named(tmp_path) -> None:
    (tmp_path / "annotation.json").write_text("{")
    with pytest.raises(InputError, match="holds no annotation"):
        read_note(tmp_path)


def test_an_array_larger_than_the_memory_is_made(monkeypatch) -> None:
    real = np.zeros

    def no_memory(shape, dtype=float):
        if np.prod(shape) > 1e6:
            raise MemoryError
        return real(shape, dtype)

    monkeypatch.setattr(np, "zeros", no_memory)
    array = blank_labels((2000, 2000))
    array[3, 4] = 5
    assert array.dtype == np.uint16 and array.shape == (2000, 2000) and array[3, 3:6].tolist() == [0, 5, 0]
