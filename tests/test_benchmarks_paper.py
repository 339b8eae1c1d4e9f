"""The scripts that compare with the paper: what they count, what they keep apart, what they write."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet import metrics
from napari_unet.config.model import ModelConfig
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.training_image import TrainingImage
from napari_unet.models.starter import load_starter
from napari_unet.models.unet import UNet
from napari_unet.samples import draw_sample

FOLDER = Path(__file__).parents[1] / "benchmarks"
MASKS = arrays(bool, (2, 8, 9))


@pytest.fixture(scope="module")
def load():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module


@pytest.fixture(scope="module")
def challenge(load):
    return load("_challenge")


@pytest.fixture
def cells():
    """Two cells of 5 x 4 px with a membrane of one pixel between them."""
    mask = np.zeros((1, 9, 13), bool)
    mask[0, 2:7, 2:6] = mask[0, 2:7, 7:11] = True
    return mask


@pytest.mark.parametrize("name", ["pixel_error", "rand_error", "warping_error"])
def test_the_truth_itself_has_no_error(challenge, cells, name):
    assert getattr(challenge, name)(cells, cells) == 0
    assert challenge.best(getattr(challenge, name), cells.astype(np.float32), cells.astype(int)) == 0


def test_an_opened_membrane_costs_its_opening(challenge, cells):
    found = cells.copy()
    found[0, 3:5, 6] = True
    assert challenge.warping_error(found, cells) == pytest.approx(2 / cells.size)


def test_a_cut_through_a_cell_costs_one_pixel(challenge, cells):
    found = cells.copy()
    found[0, 4, 2:6] = False
    assert challenge.warping_error(found, cells) == pytest.approx(1 / cells.size)


def test_what_neither_merges_nor_splits_costs_nothing_topologically(challenge, cells):
    found = cells.copy()
    found[0, 2:7, 2:6] = False  # missed
    found[0, 4, 8] = False  # a hole
    found[0, 0, 0] = True  # invented
    assert challenge.warping_error(found, cells) == 0
    assert metrics.warping_error(found, cells) > 0


@settings(deadline=None, max_examples=25)
@given(found=MASKS, truth=MASKS)
def test_warping_counts_some_of_what_the_full_measure_counts(challenge, found, truth):
    assert 0 <= challenge.warping_error(found, truth) <= metrics.warping_error(found, truth) + 1e-12


@settings(deadline=None, max_examples=25)
@given(found=MASKS, truth=MASKS.filter(np.any))
def test_both_pixel_errors_count_the_same_pixels(challenge, found, truth):
    wrong = metrics.pixel_error(found, truth) * truth.size
    assert challenge.pixel_error(found, truth) * (found.sum() + truth.sum()) == pytest.approx(wrong)


def test_predicted_membrane_is_no_segment_of_its_own(challenge, cells):
    found = cells.copy()
    found[0, 2, :] = False  # a row of 4 px of each cell
    pairs_kept, pairs = 16 * 15, 20 * 19
    assert challenge.rand_error(found, cells) == pytest.approx(1 - 2 * pairs_kept / (pairs_kept + pairs))


def test_merged_cells_are_counted_as_pairs(challenge, cells):
    found = cells.copy()
    found[0, 4, 6] = True
    pairs, merged = 2 * 20 * 19, 40 * 39
    assert challenge.rand_error(found, cells) == pytest.approx(1 - 2 * pairs / (pairs + merged))


def test_touching_cells_are_drawn_apart_and_the_better_picture_counts(load, challenge):
    tables = load("paper_tables")
    labels = np.zeros((1, 6, 9), np.int32)
    labels[0, 1:5, 1:4], labels[0, 1:5, 4:8] = 1, 2
    mask = tables.apart(labels)
    assert mask.sum() == 4 * 7 - 4 and not mask[0, 1:5, 3].any()
    joined = tables.Prediction((labels > 0).astype(np.float32), labels)
    error = tables.as_the_challenge(challenge.rand_error)
    assert error(joined, mask.astype(int)) == 0
    assert challenge.best(challenge.rand_error, joined.foreground, mask.astype(int)) > 0
    assert tables.as_the_challenge(challenge.pixel_error)(joined, (labels > 0).astype(int)) == 0


def test_no_image_is_learnt_from_and_scored(load):
    for table in load("paper_tables").TABLES.values():
        assert not set(table.learnt) & set(table.tested)
        assert set(table.published) <= set(table.measures)


def test_frames_to_score_lie_far_behind_those_learnt_from(load):
    for name in ("u373", "dic_hela"):
        table = load("paper_tables").TABLES[name]
        assert min(table.tested) - max(table.learnt) > 10


def test_a_run_is_trained_once(load, tmp_path):
    runs, sample = load("_runs"), draw_sample("nuclei", (64, 64))
    images = [TrainingImage("one", sample.image[None, None, None], sample.labels[None, None, None])]
    recipe = parse_recipe({"model": {"depth": 1, "base_channels": 2}, "training": {"steps": 2, "patch_px": 32}})
    run = runs.train(images, recipe, tmp_path)
    assert (run.steps, run.seed) == (2, 0)
    before = (tmp_path / "last.safetensors").stat().st_mtime_ns
    assert runs.train(images, recipe, tmp_path) == run
    assert (tmp_path / "last.safetensors").stat().st_mtime_ns == before


def test_the_tables_name_what_was_measured(load):
    tables = load("paper_tables")
    run = tables.Run(5, 120.0, 7, "cpu, float32", 1)
    results = {("u373", "best"): (run, {"SEG (the paper's IoU)": 0.93, "IoU of the foreground": 0.9})}
    assert "| u373 | SEG (the paper's IoU) | 0.9203 | not run | 0.9300 |" in tables.scores_table(results)
    assert "| u373 | best | 5 | 2 | 1 | cpu, float32 | 7 |" in tables.runs_table(results)


def test_a_section_is_replaced_where_it_stands(load, tmp_path):
    report, page = load("_report"), tmp_path / "page.md"
    page.write_text("# Page\n\nText.\n\n## One\n\nold\n\n## One more\n\nkept\n")
    report.write(page, "## One", "new")
    report.write(page, "## Last", "added")
    assert page.read_text() == "# Page\n\nText.\n\n## One\n\nnew\n\n## One more\n\nkept\n\n## Last\n\nadded\n"


def test_every_variant_is_a_valid_recipe(load):
    ablations = load("ablations")
    for changes in ablations.TRAINED.values():
        parse_recipe(changes)
    assert set(ablations.TRAINED) & set(ablations.PREDICTED) == set()


def test_a_model_predicts_in_every_other_way(load):
    ablations, tables, starter = load("ablations"), load("paper_tables"), load_starter()
    image = draw_sample("nuclei", (64, 64)).image[None]
    plain = tables.predict(starter, image)
    for name in ablations.PREDICTED:
        other = tables.predict(ablations.vary(starter, name), image)
        assert other.foreground.shape == plain.foreground.shape
        assert not np.array_equal(other.foreground, plain.foreground)


@given(st.integers(0, 12), st.integers(0, 12))
@settings(deadline=None, max_examples=20)
def test_a_padded_network_sees_its_output_alone(load, rows, columns):
    """The network without zeros, of the same weights, gives other logits at the edge, and the same in the middle."""
    config = ModelConfig(depth=1, base_channels=2, batch_norm=False)
    padded, plain = load("_padded").PaddedUNet(config, 1, 2), UNet(config, 1, 2)
    plain.load_state_dict(padded.state_dict())
    halo = padded.geometry.halo
    output = [padded.geometry.fit_output(60 + size) for size in (rows, columns)]
    image = torch.randn(1, 1, *(size + 2 * halo for size in output))
    beyond = image.clone()
    inner = (..., *(slice(halo - 2, size + halo + 2) for size in output))
    beyond[inner] = 0
    found = padded(image)
    assert found.shape == plain(image).shape == (1, 2, *output)
    assert torch.equal(found, padded(image - beyond))
    difference = (found - plain(image)).abs()
    assert difference[..., 0, :].max() > 1e-4
    assert difference[..., halo:-halo, halo:-halo].max() < 1e-4


def test_a_kept_model_predicts_by_the_recipe_of_the_moment(load):
    tables, starter = load("paper_tables"), load_starter()
    image = draw_sample("nuclei", (64, 64)).image[None]
    strict = tables.predict_by(starter, parse_recipe({"instances": {"threshold": 0.95}}))
    found, fewer = tables.predict(starter, image), tables.predict(strict, image)
    assert np.array_equal(found.foreground, fewer.foreground)
    assert 0 < np.count_nonzero(fewer.labels) < np.count_nonzero(found.labels)
