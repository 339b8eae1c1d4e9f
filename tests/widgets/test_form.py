"""The form shows and gives every setting, and looks like one writes the numbers."""

from __future__ import annotations

import html

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QLabel, QWidget
from superqt import QCollapsible

from napari_unet.config.instances import InstancesConfig
from napari_unet.config.recipe import Recipe, parse_recipe, walk_settings
from napari_unet.errors import InputError
from napari_unet.models.card import read_card
from napari_unet.widgets._form import SettingsForm

ALL = list(Recipe.model_fields)


@pytest.fixture
def form(qtbot) -> SettingsForm:
    form = SettingsForm(ALL)
    qtbot.addWidget(form)
    return form


def test_every_setting_has_a_row_with_its_title_and_help(form: SettingsForm) -> None:
    titles = [label.text() for label in form.findChildren(QLabel)]
    assert list(form.editors) and set(form.editors) == {f"{section}.{name}" for section, name, _ in walk_settings()}
    for section, name, field in walk_settings():
        assert field.title in titles
        assert html.escape(field.description) in form.editors[f"{section}.{name}"].toolTip()


def test_a_form_can_show_a_few_settings_and_passes_on_the_others(qtbot) -> None:
    recipe = parse_recipe({"model": {"depth": 2}, "tiling": {"tile_px": 64}})
    form = SettingsForm(["tiling", "training.seconds"], recipe)
    qtbot.addWidget(form)
    assert sorted(form.editors) == ["tiling.averaging", "tiling.cell_diameter_px", "tiling.tile_px", "training.seconds"]
    form.editors["training.seconds"].setValue(20.0)
    assert form.recipe() == recipe.model_copy(update={"training": parse_recipe({"training": {"seconds": 20}}).training})


def test_advanced_settings_are_folded_away(form: SettingsForm) -> None:
    form.show()
    assert form.editors["training.seconds"].isVisible()
    assert not form.editors["training.patch_px"].isVisible()
    form.findChild(QCollapsible).expand(animate=False)
    assert form.editors["training.patch_px"].isVisible()


@pytest.mark.parametrize("number", ["0.0001", "0.00001", "0.003", "0.5", "1"])
def test_small_numbers_are_shown_in_full(form: SettingsForm, number: str) -> None:
    form.show_recipe(parse_recipe({"training": {"learning_rate": number}}))
    assert form.editors["training.learning_rate"].text() == number
    assert form.recipe().training.learning_rate == float(number)


def test_a_number_is_typed_and_stepped(form: SettingsForm, qtbot) -> None:
    editor = form.editors["training.weight_decay"]
    editor.selectAll()
    qtbot.keyClicks(editor, "0.00025")
    assert form.recipe().training.weight_decay == 0.00025
    editor.stepUp()
    assert editor.text() == "0.00035"


@pytest.mark.parametrize(("key", "typed"), [("model.depth", "9"), ("training.warm_up", "0.7"), ("training.seed", "-1")])
def test_values_out_of_bounds_cannot_be_typed(form: SettingsForm, qtbot, key: str, typed: str) -> None:
    editor = form.editors[key]
    editor.selectAll()
    qtbot.keyClicks(editor, typed)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert editor.minimum() <= editor.value() <= editor.maximum()
    form.recipe()


def test_one_cannot_step_onto_an_excluded_bound(form: SettingsForm) -> None:
    for key in ("training.momentum", "training.seconds", "training.validation_fraction"):
        for steps in (-1000, 1000):
            form.editors[key].stepBy(steps)
            form.recipe()


def test_an_empty_value_is_a_box_that_is_not_checked(form: SettingsForm, qtbot) -> None:
    form.show()
    steps = form.editors["training.steps"]
    assert form.recipe().training.steps is None
    assert not steps.editor.isEnabled()
    steps.suggest(400)
    assert form.recipe().training.steps is None
    qtbot.mouseClick(steps.switch, Qt.MouseButton.LeftButton, pos=QPoint(8, steps.switch.height() // 2))
    assert form.recipe().training.steps == 400
    steps.suggest(5)
    assert steps.value() == 400


def test_a_number_that_is_filled_in_begins_where_it_is_of_use(form: SettingsForm) -> None:
    wanted = {"training.steps": 200, "training.rescale": 1, "instances.core_threshold": 0.8, "tiling.tile_px": 512}
    for key, value in wanted.items():
        form.editors[key].switch.setChecked(True)
        assert form.editors[key].value() == value


def test_an_empty_outline_follows_the_threshold_that_is_entered(qtbot) -> None:
    form = SettingsForm(["tiling", "instances"])
    qtbot.addWidget(form)
    form.suggest_from(read_card("starter"))
    threshold, outline = form.editors["instances.threshold"], form.editors["instances.outline_threshold"]
    assert (threshold.editor.value(), outline.editor.value()) == (0.5, 0.4)
    threshold.switch.setChecked(True)
    threshold.editor.setValue(0.7)
    assert outline.editor.value() == 0.7
    threshold.switch.setChecked(False)
    assert outline.editor.value() == 0.4
    assert form.recipe().instances == InstancesConfig()


def test_the_arrow_points_to_what_is_folded(form: SettingsForm) -> None:
    """As text: it has the colour of the theme, whatever that is."""
    fold = form.findChild(QCollapsible)
    titles = []
    for change in (fold.expand, fold.collapse):
        titles.append(fold.text())
        change(animate=False)
    assert [title[0] for title in (*titles, fold.text())] == ["▸", "▾", "▸"]
    assert fold.toggleButton().icon().isNull()


def test_changes_are_told_once(form: SettingsForm, qtbot) -> None:
    told = []
    form.changed.connect(lambda: told.append(form.recipe()))
    form.editors["augmentation.flip"].click()
    form.editors["training.steps"].suggest(7)
    form.show_recipe(parse_recipe({"training": {"steps": 9, "optimizer": "sgd"}, "model": {"depth": 2}}))
    assert [(recipe.augmentation.flip, recipe.model.depth) for recipe in told] == [(False, 4), (True, 2)]


def test_settings_of_the_other_formula_cannot_be_entered(form: SettingsForm) -> None:
    editor = form.editors["weight_map.surround_width_px"]
    assert not editor.isEnabled() and form.editors["weight_map.border_weight"].isEnabled()
    form.editors["weight_map.formula"].setValue("falk2019")
    assert editor.isEnabled()
    form.show_recipe(parse_recipe({"weight_map": {"surround_width_px": 7.0}}))
    assert not editor.isEnabled() and form.recipe().weight_map.surround_width_px == 7


def test_settings_that_contradict_each_other_are_refused(form: SettingsForm) -> None:
    form.editors["normalization.low_percentile"].setValue(99.9)
    with pytest.raises(InputError, match="must be below the bright percentile"):
        form.recipe()


def takes_wheel(editor: QWidget) -> bool:
    """Turn the wheel over an editor; what it does not take goes on to the scroll area around."""
    middle = QPointF(editor.rect().center())
    nothing = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False
    event = QWheelEvent(middle, editor.mapToGlobal(middle), QPoint(), QPoint(0, -120), *nothing)
    QApplication.sendEvent(editor, event)
    return event.isAccepted()


def test_the_wheel_scrolls_the_form_and_turns_only_what_was_clicked(form: SettingsForm, qtbot) -> None:
    with qtbot.waitActive(form):
        form.show()
        form.activateWindow()
    depth = form.editors["model.depth"]
    form.findChild(QCollapsible).expand(animate=False)
    form.editors["augmentation.flip"].setFocus()
    for key in ("training.seconds", "training.target", "model.depth"):
        assert not takes_wheel(form.editors[key])
    assert form.recipe() == Recipe()
    depth.setFocus()
    assert takes_wheel(depth)
    assert form.recipe().model.depth == Recipe().model.depth - 1
