"""What is tidied up after an object, whoever destroys it."""

from __future__ import annotations

import gc
import weakref

import pytest
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_unet.widgets._lifetime import on_destruction


@pytest.mark.parametrize("kind", [QObject, QWidget])
def test_python_forgets_an_object(kind: type[QObject], qtbot) -> None:
    calls, owner = [], kind()
    on_destruction(owner, lambda: calls.append("gone"))
    assert calls == []
    del owner
    assert calls == ["gone"]


@pytest.mark.parametrize("kind", [QObject, QWidget])
def test_garbage_that_refers_to_itself(kind: type[QObject], qtbot) -> None:
    calls, owner = [], kind()
    owner.itself, reference = owner, weakref.ref(owner)
    on_destruction(owner, lambda: calls.append("gone"))
    del owner
    gc.collect()
    assert reference() is None and calls == ["gone"]


@pytest.mark.parametrize("kind", [QObject, QWidget])
def test_qt_destroys_an_object_that_python_still_knows(kind: type[QObject], qtbot) -> None:
    calls, parent = [], QWidget()
    owner = kind(parent)
    on_destruction(owner, lambda: calls.append("gone"))
    parent.deleteLater()
    qtbot.waitUntil(lambda: calls == ["gone"])
    del owner, parent
    gc.collect()
    assert calls == ["gone"]


def test_what_was_called_is_not_held(qtbot) -> None:
    class Tidy:
        def __call__(self) -> None:
            pass

    owner, tidy = QWidget(), Tidy()
    reference = weakref.ref(tidy)
    on_destruction(owner, tidy)
    del tidy
    assert reference() is not None
    owner.deleteLater()
    qtbot.waitUntil(lambda: reference() is None)
