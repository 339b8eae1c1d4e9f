from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet.data.writing import write_labels
from napari_unet.metrics import evaluate, rand_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

MEASURES = {"iou", "seg", "ap50", "ap", "f1", "rand_error", "warping_error", "pixel_error"}


@pytest.fixture
def predicted(data: Path) -> Path:
    """Predictions: the first one right, the second one without a cell."""
    (data / "predicted").mkdir()
    for name, factor in (("one", 1), ("two", 0)):
        labels = tifffile.imread(data / "labels" / f"{name}.tif")
        tifffile.imwrite(data / "predicted" / f"{name}.tif", factor * labels)
    return data / "predicted"


def test_json_holds_the_means_and_every_image(run: Run, predicted: Path, data: Path) -> None:
    code, result, errors = run("evaluate", predicted, data / "labels", "--json")
    scores = json.loads(result)
    assert (code, errors) == (0, "")
    assert scores.keys() >= MEASURES
    assert scores["images"].keys() == {"one", "two"}
    assert (scores["iou"], scores["images"]["one"]["ap"], scores["images"]["two"]["f1"]) == (0.5, 1, 0)
    arrays = ([tifffile.imread(folder / f"{n}.tif") for n in ("one", "two")] for folder in (predicted, data / "labels"))
    assert {name: scores[name] for name in MEASURES} == {
        n: v for n, v in evaluate(*arrays).means.items() if n in MEASURES
    }


def test_the_table_has_a_line_an_image_and_the_mean(run: Run, predicted: Path, data: Path) -> None:
    _, result, _ = run("evaluate", predicted, data / "labels")
    header, one, two, mean = (line.split() for line in result.splitlines())
    assert [header[0], one[0], two[0], mean[0]] == ["image", "one", "two", "mean"]
    assert MEASURES <= set(header)
    column = header.index("iou")
    assert (one[column], two[column], mean[column]) == ("1.0000", "0.0000", "0.5000")


def test_undefined_is_null(run: Run, data: Path) -> None:
    tifffile.imwrite(data / "none.tif", np.zeros((64, 64), np.uint8))
    _, result, _ = run("evaluate", data / "labels" / "one.tif", data / "none.tif", "--json")
    assert json.loads(result)["seg"] is None


def test_probabilities_take_the_best_threshold(run: Run, data: Path) -> None:
    truth = tifffile.imread(data / "labels" / "one.tif")
    probability = np.where(truth > 0, 0.3, 0.05).astype(np.float32)
    tifffile.imwrite(data / "p.tif", probability)
    _, result, _ = run("evaluate", data / "p.tif", data / "labels" / "one.tif", "--json")
    scores = json.loads(result)
    assert (scores["pixel_error"], scores["iou"], scores["rand_error"]) == (0, 0, rand_error(probability, truth))


def test_bad_pairs_are_named_and_the_others_scored(run: Run, predicted: Path, data: Path) -> None:
    tifffile.imwrite(predicted / "two.tif", np.zeros((64, 60), np.uint8))
    code, result, errors = run("evaluate", predicted, data / "labels", "--json")
    assert (code, json.loads(result)["images"].keys()) == (1, {"one"})
    assert "differ in X" in errors


def test_what_does_not_pair_is_named(run: Run, predicted: Path, data: Path) -> None:
    (predicted / "two.tif").unlink()
    (predicted / "three.tif").write_bytes((predicted / "one.tif").read_bytes())
    code, result, errors = run("evaluate", predicted, data / "labels", "--json")
    assert (code, json.loads(result)["images"].keys()) == (0, {"one"})
    alone = {"prediction": [str(predicted / "three.tif")], "truth": [str(data / "labels" / "two.tif")]}
    assert json.loads(result)["unpaired"] == alone
    assert f"truth without prediction: {data / 'labels' / 'two.tif'}" in errors
    assert f"prediction without truth: {predicted / 'three.tif'}" in errors


def test_wrong_calls(run: Run, predicted: Path, data: Path) -> None:
    code, result, errors = run("evaluate", predicted, data / "nothing")
    assert (code, result, "There is no file, folder or match" in errors) == (2, "", True)
    for file in predicted.iterdir():
        file.rename(predicted / f"x{file.name}")
    code, result, errors = run("evaluate", predicted, data / "labels")
    assert (code, result, "No image has labels" in errors) == (2, "", True)


def test_planes_of_a_stack_are_scored_on_their_own(tmp_path: Path, run: Run) -> None:
    """Numbers of cells mean nothing across planes: each is segmented alone."""
    truth = np.zeros((2, 12, 12), np.uint16)
    truth[:, 2:6, 2:6], truth[:, 7:11, 7:11] = 1, 2
    predicted = truth.copy()
    predicted[1] = np.array([0, 2, 1], np.uint16)[truth[1]]
    for name, labels in (("predicted", predicted), ("truth", truth)):
        write_labels(tmp_path / f"{name}.tif", labels, "TYX")
    code, out, _ = run("evaluate", tmp_path / "predicted.tif", tmp_path / "truth.tif", "--json")
    scores = json.loads(out)
    assert code == 0
    assert scores["seg"] == scores["ap"] == 1
    assert scores["n_truth"] == 4


def test_tables_hold_each_plane_and_each_error(run: Run, predicted: Path, data: Path) -> None:
    tables = data / "scores.csv", data / "errors.csv"
    code, _, _ = run("evaluate", predicted, data / "labels", "--csv", tables[0], "--errors", tables[1])
    scores, errors = (list(csv.DictReader(table.read_text().splitlines())) for table in tables)
    assert code == 0
    assert [(row["image"], row["z"], float(row["f1"])) for row in scores] == [("one", "0", 1), ("two", "0", 0)]
    assert {"image", "t", "z", *MEASURES, "pq", "n_truth", "n_predicted"} == scores[0].keys()
    assert {(row["image"], row["kind"], row["predicted_labels"]) for row in errors} == {("two", "missed", "")}
    assert len(errors) == int(scores[1]["n_truth"])


@pytest.mark.parametrize("option", ["--csv", "--errors"])
def test_what_is_compared_is_not_overwritten(option: str, run: Run, predicted: Path, data: Path) -> None:
    before = (predicted / "one.tif").read_bytes()
    code, _, errors = run("evaluate", predicted, data / "labels", option, predicted / "one.tif")
    assert (code, f"{option} {predicted / 'one.tif'}: this is read" in errors) == (2, True)
    assert (predicted / "one.tif").read_bytes() == before


def test_json_is_an_object_also_where_every_pair_fails(run: Run, predicted: Path, data: Path) -> None:
    for name in ("one", "two"):
        tifffile.imwrite(predicted / f"{name}.tif", np.zeros((64, 60), np.uint8))
    code, result, _ = run("evaluate", predicted, data / "labels", "--json")
    assert (code, json.loads(result)["images"], json.loads(result)["iou"]) == (1, {}, None)


@pytest.mark.parametrize("option", ["--csv", "--errors"])
@pytest.mark.parametrize("name", ["extra.tif", "readme.txt"])
def test_no_file_but_a_table_is_overwritten(option: str, name: str, run: Run, predicted: Path, data: Path) -> None:
    for file in (predicted / "extra.tif", predicted / "readme.txt"):
        file.write_bytes((predicted / "one.tif").read_bytes())
    before = (predicted / name).read_bytes()
    code, result, _ = run("evaluate", predicted, data / "labels", option, predicted / name)
    assert (code, result) == (2, "")
    assert (predicted / name).read_bytes() == before


def test_two_tables_have_two_names(run: Run, predicted: Path, data: Path) -> None:
    table = data / "x.csv"
    code, result, errors = run("evaluate", predicted, data / "labels", "--csv", table, "--errors", table)
    assert (code, result, "give each table a name of its own" in errors) == (2, "", True)
    assert not table.exists()


def test_scores_are_shown_also_where_their_table_cannot_be_written(run: Run, predicted: Path, data: Path) -> None:
    (data / "file").touch()
    code, result, errors = run("evaluate", predicted, data / "labels", "--csv", data / "file" / "x.csv")
    assert (code, len(result.splitlines())) == (1, 4)
    assert "x.csv: " in errors


def test_a_failure_names_its_image_and_what_to_do(run: Run, predicted: Path, data: Path) -> None:
    tifffile.imwrite(predicted / "two.tif", tifffile.imread(data / "labels" / "two.tif").astype(np.float32))
    code, _, errors = run("evaluate", predicted, data / "labels")
    assert code == 1
    assert errors.startswith("failed: two: ")
    assert "Convert it to integers" in errors


def test_a_series_and_pages_without_axes_of_the_same_length_are_compared(run: Run, data: Path) -> None:
    labels = np.stack([tifffile.imread(data / "labels" / "one.tif")] * 3).astype(np.uint16)
    tifffile.imwrite(data / "series.tif", labels, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(data / "pages.tif", labels, metadata=None, photometric="minisblack")
    for pair in (("series.tif", "pages.tif"), ("pages.tif", "series.tif")):
        code, result, errors = run("evaluate", *(data / name for name in pair), "--json")
        assert (code, errors, json.loads(result)["seg"]) == (0, "", 1)


def test_classes_are_compared_class_by_class(run: Run, data: Path) -> None:
    truth = np.zeros((20, 20), np.uint8)
    truth[:10], truth[10:15] = 1, 2
    for name, labels in (("same", truth), ("swapped", np.array([0, 2, 1], np.uint8)[truth])):
        for folder, array in (("found", labels), ("truth", truth)):
            (data / folder).mkdir(exist_ok=True)
            tifffile.imwrite(data / folder / f"{name}.tif", array)
    call = "evaluate", data / "found", data / "truth", "--target", "classes"
    code, result, errors = run(*call, "--json")
    scores = json.loads(result)
    assert (code, errors) == (0, "")
    assert scores["images"]["same"] == {name: name != "pixel_error" for name in scores["images"]["same"]}
    assert scores["images"]["swapped"]["iou_class_0"] == 1
    assert scores["images"]["swapped"]["iou_class_1"] == scores["images"]["swapped"]["iou_class_2"] == 0
    assert (scores["pixel_error"], scores["iou_class_1"]) == (0.75 / 2, 0.5)
    assert [line.split()[0] for line in run(*call)[1].splitlines()] == ["image", "same", "swapped", "mean"]
    code, _, errors = run(*call, "--csv", data / "x.csv")
    assert (code, "tables of cells" in errors) == (2, True)
    tifffile.imwrite(data / "found" / "same.tif", np.full((20, 20), 300, np.uint16))
    code, result, errors = run(*call)
    assert (code, "failed: same: Classes must be numbered below" in errors, len(result.splitlines())) == (1, True, 3)
