"""A form made from the declared settings: simple ones in sight, the others folded away."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible
from superqt.utils import signals_blocked

from napari_unet.config.describe import help_text, is_advanced
from napari_unet.config.recipe import Recipe, parse_recipe, select_settings
from napari_unet.config.weight_map import ONLY_FALK2019, PUBLISHED_BORDER
from napari_unet.inference.options import left_empty
from napari_unet.widgets._editors import make_editor

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic.fields import FieldInfo

    from napari_unet.models.card import ModelCard


class SettingsForm(QWidget):
    """Shows settings of a recipe and gives the recipe that is entered.

    Parameters
    ----------
    wanted
        Sections (``"tiling"``) and single settings (``"training.scheme"``), as for `select_settings`.
    recipe
        What to show; None: the defaults. Settings without a row are passed on as they are.
    fold
        Whether advanced settings are folded away.

    Attributes
    ----------
    changed
        Signal: something was entered, or another recipe is shown.
    editors
        Editor of each setting, by ``"section.name"``.
    """

    changed = Signal()

    def __init__(self, wanted: Collection[str], recipe: Recipe | None = None, *, fold: bool = True) -> None:
        super().__init__()
        self._recipe = recipe or Recipe()
        self._card: ModelCard | None = None
        self.editors: dict[str, Any] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        settings = list(select_settings(wanted))
        folded = [entry for entry in settings if fold and is_advanced(entry[2])]
        self._simple = self._rows([entry for entry in settings if entry not in folded])
        layout.addLayout(self._simple)
        if folded:
            layout.addWidget(self._fold(folded))
        self.show_recipe(self._recipe)
        for editor in self.editors.values():
            editor.changed.connect(self._suggest)
            editor.changed.connect(self.changed)

    def prepend_row(self, title: str, widget: QWidget) -> None:
        """Put something that is no setting above all rows, in line with them.

        Parameters
        ----------
        title
            Its label.
        widget
            The editor, with its tooltip.
        """
        label = QLabel(title)
        label.setToolTip(widget.toolTip())
        self._simple.insertRow(0, label, widget)

    def show_recipe(self, recipe: Recipe) -> None:
        """Show the settings of a recipe.

        Parameters
        ----------
        recipe
            Every setting.
        """
        self._recipe = recipe
        with signals_blocked(self):
            for key, editor in self.editors.items():
                section, name = key.split(".")
                editor.setValue(getattr(getattr(recipe, section), name))
        self._suggest()
        self.changed.emit()

    def suggest_from(self, card: ModelCard) -> None:
        """Let empty settings start, once they are checked, from what a model makes of them.

        Parameters
        ----------
        card
            Of the model.
        """
        self._card = card
        self._suggest()

    def _suggest(self) -> None:
        """Show what settings amount to beside those that are entered: empty ones, and those that do not count."""
        if "weight_map.formula" in self.editors:
            formula = self.editors["weight_map.formula"].value()
            for name, value in zip(("border_weight", "border_width_px"), PUBLISHED_BORDER[formula], strict=True):
                self.editors[f"weight_map.{name}"].suggest(value)
            for name in ONLY_FALK2019:
                self.editors[f"weight_map.{name}"].setEnabled(formula == "falk2019")
        if self._card is None:
            return
        entered = {key.partition(".")[2]: e.value() for key, e in self.editors.items() if key.startswith("instances.")}
        config = self._recipe.instances.model_copy(update=entered)
        for key, value in left_empty(self._card, config).items():
            self.editors[key].suggest(value)

    def recipe(self) -> Recipe:
        """Give the recipe that is entered.

        Returns
        -------
        Recipe
            The shown recipe with what the rows say.

        Raises
        ------
        InputError
            If settings contradict each other.
        """
        values = self._recipe.model_dump()
        for key, editor in self.editors.items():
            section, name = key.split(".")
            values[section][name] = editor.value()
        return parse_recipe(values, "settings")

    def _rows(self, settings: list[tuple[str, str, FieldInfo]]) -> QFormLayout:
        """Lay out one row a setting."""
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for section, name, field in settings:
            editor = self.editors[f"{section}.{name}"] = make_editor(field)
            label = QLabel(field.title)
            label.setBuddy(editor)
            # Qt breaks the lines of rich text only.
            for widget in (label, editor):
                widget.setToolTip(f"<p>{html.escape(help_text(field))}</p>")
            rows.addRow(label, editor)
        return rows

    def _fold(self, settings: list[tuple[str, str, FieldInfo]]) -> QCollapsible:
        """Fold settings away, under the name of their section where there are several."""
        fold = QCollapsible(expandedIcon=QIcon(), collapsedIcon=QIcon())
        _show_arrow(fold, is_open=False)
        fold.toggled.connect(lambda is_open: _show_arrow(fold, is_open=is_open))
        fold.toggleButton().setToolTip("<p>Show the settings that are seldom changed.</p>")
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        sections = list(dict.fromkeys(section for section, _, _ in settings))
        for section in sections:
            if len(sections) > 1:
                layout.addWidget(QLabel(f"<b>{section.replace('_', ' ').capitalize()}</b>"))
            layout.addLayout(self._rows([entry for entry in settings if entry[0] == section]))
        fold.setContent(content)
        # Folded rows have no height, but the tab key would still reach them.
        content.hide()
        fold.toggled.connect(content.setVisible)
        return fold


def _show_arrow(fold: QCollapsible, *, is_open: bool) -> None:
    """Show in the title whether it is open: unlike an icon, text has the colour of any theme."""
    fold.setText(f"{'▾' if is_open else '▸'}  Advanced")
