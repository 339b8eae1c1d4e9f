"""Editors of single values, made from the declaration of a setting.

They are Qt's own: the spin boxes of magicgui show as many decimals as their step has, which turns 1e-5 into 0.0000, and
all of them change their value when the wheel passes over while a form is scrolled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from qtpy.QtCore import QEvent, QLocale, QObject, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QSizePolicy, QSpinBox, QWidget

from napari_unet.config.describe import choices, declared, is_optional, value_type

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_LEAST_WIDTH_PX = 80
_DECIMALS = 12
_LARGEST_INTEGER = 2**31 - 1
_LARGEST_NUMBER = 1e9
#: An excluded bound is kept away from by this part of a step.
_STEP_SHARE = 1e-3


class Editor(Protocol):
    """What a form needs of an editor, which is also a `QWidget`."""

    changed: Any

    def value(self) -> Any:
        """Give what is entered."""

    def setValue(self, value: Any) -> None:
        """Show a value."""


def make_editor(field: FieldInfo) -> Any:
    """Make the editor of a setting; it shows the default.

    Parameters
    ----------
    field
        Declaration of the setting.

    Returns
    -------
    QWidget and Editor
        With ``value()``, ``setValue(value)`` and the signal ``changed``.
    """
    editor = OptionalEditor(field) if is_optional(field) else _make_plain_editor(field)
    editor.setValue(field.default)
    return editor


def _make_plain_editor(field: FieldInfo) -> Any:
    """Make the editor of a value that cannot be empty."""
    editors = {bool: SwitchEditor, int: IntegerEditor, float: NumberEditor}
    editor = ChoiceEditor(field) if choices(field) else editors[value_type(field)](field)
    # Qt asks for as much room as the longest possible text needs, which is more than a dock has.
    editor.setMinimumWidth(_LEAST_WIDTH_PX)
    return editor


class _CalmWheel(QObject):
    """Leaves the wheel to the scroll area around, unless the editor was clicked."""

    def __init__(self, editor: QWidget) -> None:
        super().__init__(editor)
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        editor.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hold the wheel back from an editor without the keyboard."""
        assert isinstance(watched, QWidget) and event is not None
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class SwitchEditor(QCheckBox):
    """A check box."""

    changed = Signal()

    def __init__(self, field: FieldInfo) -> None:
        super().__init__()
        self.toggled.connect(self.changed)

    def value(self) -> bool:
        """Tell whether it is checked."""
        return self.isChecked()

    def setValue(self, value: bool) -> None:
        """Check or uncheck."""
        self.setChecked(value)


class ChoiceEditor(QComboBox):
    """A list to choose one text from."""

    changed = Signal()

    def __init__(self, field: FieldInfo) -> None:
        super().__init__()
        _CalmWheel(self)
        self.addItems(choices(field))
        self.currentTextChanged.connect(self.changed)

    def value(self) -> str:
        """Give the chosen text."""
        return self.currentText()

    def setValue(self, value: str) -> None:
        """Choose a text."""
        self.setCurrentText(value)


class IntegerEditor(QSpinBox):
    """A spin box for whole numbers."""

    changed = Signal()

    def __init__(self, field: FieldInfo) -> None:
        super().__init__()
        _CalmWheel(self)
        low, high = _limits(field, 1, _LARGEST_INTEGER)
        self.setRange(int(low), int(high))
        self.valueChanged.connect(self.changed)


class NumberEditor(QDoubleSpinBox):
    """A spin box for fractions that shows a number as one writes it: 0.0001, and 300 without decimals."""

    changed = Signal()

    def __init__(self, field: FieldInfo) -> None:
        super().__init__()
        _CalmWheel(self)
        # Recipe and command line write a decimal point in every country.
        self.setLocale(QLocale(QLocale.Language.C))
        self.setDecimals(_DECIMALS)
        step = declared(field, "step")
        self.setRange(*_limits(field, step * _STEP_SHARE, _LARGEST_NUMBER))
        self.setSingleStep(step)
        self.valueChanged.connect(self.changed)

    def textFromValue(self, value: float) -> str:
        """Write a number without the zeros at its end."""
        return np.format_float_positional(value, precision=_DECIMALS, trim="-")

    def setValue(self, value: float) -> None:
        """Show a value, also one that lies nearer to an excluded bound than one can step."""
        self.setRange(min(self.minimum(), value), max(self.maximum(), value))
        super().setValue(value)


class OptionalEditor(QWidget):
    """An editor behind a check box; unchecked means empty."""

    changed = Signal()

    def __init__(self, field: FieldInfo) -> None:
        super().__init__()
        self.switch = QCheckBox()
        self.editor = _make_plain_editor(field)
        self.editor.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.editor.setEnabled(False)
        if (start := declared(field, "start")) is not None:
            self.editor.setValue(start)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.switch)
        layout.addWidget(self.editor)
        self.setFocusProxy(self.switch)
        self.switch.toggled.connect(self.editor.setEnabled)
        self.switch.toggled.connect(self.changed)
        self.editor.changed.connect(self._pass_on)

    def value(self) -> Any:
        """Give what is entered, None when unchecked."""
        return self.editor.value() if self.switch.isChecked() else None

    def setValue(self, value: Any) -> None:
        """Show a value; None unchecks."""
        if value is not None:
            self.editor.setValue(value)
        self.switch.setChecked(value is not None)

    def suggest(self, value: Any) -> None:
        """Show what an empty setting amounts to, which is also where one starts from after checking."""
        if not self.switch.isChecked():
            self.editor.setValue(value)

    def _pass_on(self) -> None:
        """Tell of a change only if it counts."""
        if self.switch.isChecked():
            self.changed.emit()


def _limits(field: FieldInfo, gap: float, largest: float) -> tuple[float, float]:
    """Give the least and the greatest value; ``gap`` is kept to excluded bounds."""
    keys = ("ge", "gt", "le", "lt")
    bounds = {key: getattr(part, key) for part in field.metadata for key in keys if hasattr(part, key)}
    low = bounds.get("ge", bounds["gt"] + gap if "gt" in bounds else -largest)
    high = bounds.get("le", bounds["lt"] - gap if "lt" in bounds else largest)
    return low, high
