"""The few-shot benchmark: what it learns from and scores on, what it keeps, what it writes."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.config.recipe import load_recipe
from napari_unet.metrics import detection, overlaps
from napari_unet.models.starter import load_starter
from napari_unet.samples import draw_sample

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def load():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module


@pytest.fixture(scope="module")
def data(load, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of the sets, drawn."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(6):
        sample = draw_sample("nuclei", (96, 96), seed=number)
        for part, plane in (("images", sample.image), ("labels", sample.labels.astype(np.uint16))):
            path = folder / load("_few_shot_tasks").SETS["u2os"] / part / f"{number:03d}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, plane)
    return folder


@pytest.mark.parametrize("n_tests", [1, 3, 100])
def test_nothing_is_learnt_from_and_scored_on(load, data: Path, n_tests: int) -> None:
    tasks = load("_few_shot_tasks")
    task = tasks.read_task(data / tasks.SETS["u2os"], tasks.Effort(2), n_tests)
    assert len(task.images) == 2
    assert len(task.tests) == min(n_tests, 4)
    assert not any(np.array_equal(learnt, image) for learnt in task.images for image, _ in task.tests)


def test_of_few_cells_only_these_are_annotated(load, data: Path) -> None:
    tasks = load("_few_shot_tasks")
    dense, sparse = (tasks.read_task(data / tasks.SETS["u2os"], tasks.Effort(1, n), 1) for n in (None, 2))
    assert (dense.scheme, sparse.scheme) == ("dense", "sparse")
    assert set(np.unique(sparse.labels[0])) == {0, 1, 2, 3}
    assert (dense.labels[0][sparse.labels[0] == 1] == 0).all()


def test_settings_count_and_have_a_training_of_their_own(load, data: Path, tmp_path: Path) -> None:
    methods, tasks = load("_few_shot_methods"), load("_few_shot_tasks")
    trial = methods.Trial("u2os", "starter", tasks.Effort(1), 1, ("training.rescale=0.5", "augmentation.flip=false"))
    methods.average_precision(trial, data, 1, tmp_path)
    folder = tmp_path / "u2os-starter-1-image-1-steps-training.rescale=0.5-augmentation.flip=false"
    recipe = load_recipe(folder / "recipe.toml")
    assert (recipe.training.rescale, recipe.augmentation.flip, recipe.training.steps) == (0.5, False, 1)


def test_a_training_is_kept_and_used_again(load, data: Path, tmp_path: Path) -> None:
    methods, tasks = load("_few_shot_methods"), load("_few_shot_tasks")
    trial = methods.Trial("u2os", "starter", tasks.Effort(1, 2), 1)
    first = methods.average_precision(trial, data, 1, tmp_path)
    model = tmp_path / "u2os-starter-2-cells-in-1-image-1-steps" / "last.safetensors"
    written = model.stat().st_mtime_ns
    assert methods.average_precision(trial, data, 1, tmp_path) == first
    assert model.stat().st_mtime_ns == written


def test_the_score_is_the_average_precision(load, data: Path, tmp_path: Path) -> None:
    methods, tasks = load("_few_shot_methods"), load("_few_shot_tasks")
    image, truth = tasks.read_task(data / tasks.SETS["u2os"], tasks.Effort(1), 1).tests[0]
    found = methods.untouched(None, 1, tmp_path)(image)
    trial = methods.Trial("u2os", "untouched", tasks.Effort(1), 1)
    assert methods.average_precision(trial, data, 1, tmp_path) == detection(overlaps(found, truth), 0.5).ap > 0


def test_fields_of_the_starter_model_are_left_out(load, data: Path, tmp_path: Path) -> None:
    tasks = load("_few_shot_tasks")
    seen = next(name for name in load_starter().card.training_data if name.startswith("dsb2018-"))
    names = [seen.removeprefix("dsb2018-"), "new-1", "new-2"]
    rows = "".join(f"{name}\tgray_bright_on_dark\n" for name in names) + "stained\trgb\n"
    (tmp_path / "index.tsv").write_text(f"index\ttype\n{rows}")
    assert tasks._unseen(tmp_path) == ["new-1", "new-2"]


def test_tables_have_a_row_a_set(load) -> None:
    text = load("few_shot").table({"one": {"a": 0.5, "b": 1.0}, "two": {"a": 0.7, "b": 0.0}})
    assert text.splitlines()[2:] == ["| one | 0.50 | 1.00 |", "| two | 0.70 | 0.00 |", "| mean | 0.60 | 0.50 |"]
    text = load("few_shot_curves").table("cells", {"one": {1: 0.25, 5: 0.5}})
    assert text.splitlines() == ["| cells | 1 | 5 |", "|---|---|---|", "| one | 0.25 | 0.50 |"]


def test_kept_models_are_found_and_scored_over_each_choice(load, data: Path, tmp_path: Path) -> None:
    methods, cells, tasks = load("_few_shot_methods"), load("cells"), load("_few_shot_tasks")
    methods.average_precision(methods.Trial("u2os", "starter", tasks.Effort(1), 1), data, 1, tmp_path)
    found = methods.kept_models(tmp_path)
    assert list(found) == ["u2os"] and found["u2os"].exists()
    tests = tasks.read_task(data / tasks.SETS["u2os"], tasks.Effort(1), 2).tests
    model = methods.load_model(found["u2os"])
    # Where cores are not wanted, or no cell must be sure, the card says so; else it has a value of its own. The outline
    # is that of all models.
    for setting, choice in cells.CHOICES.items():
        rows = {"u2os": cells.scores(model, setting, cells.predict(model, tests))}
        columns = ["none", *map(str, choice.values), "chosen"]
        assert list(rows["u2os"]) == columns
        told = getattr(model.card, setting, 0.4)
        column = "none" if told in (None, choice.none) else str(told)
        assert rows["u2os"]["chosen"] == rows["u2os"].get(column, rows["u2os"]["chosen"])
        assert cells.table(rows).splitlines()[0] == f"| set | {' | '.join(columns)} |"
