from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.training.losses import weighted_cross_entropy


def test_by_hand() -> None:
    # Softmax of (0, ln 3) is (1/4, 3/4): costs ln 4 for class 0 and ln 4/3 for class 1.
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).expand(1, 2, 1, 2)
    loss = weighted_cross_entropy(logits, torch.tensor([[[0, 1]]]), torch.tensor([[[1.0, 2.0]]]))
    assert math.isclose(loss.item(), (math.log(4) + 2 * math.log(4 / 3)) / 3, rel_tol=1e-6)


@given(st.integers(0, 2**31), st.floats(0.1, 10))
@settings(deadline=None, max_examples=25)
def test_scaling_all_weights_changes_nothing_and_weightless_pixels_do_not_matter(seed: int, factor: float) -> None:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 4, 4, generator=random)
    target = torch.randint(0, 3, (2, 4, 4), generator=random)
    weights = torch.rand(2, 4, 4, generator=random)
    weights[:, 0] = 0
    loss = weighted_cross_entropy(logits, target, weights)
    torch.testing.assert_close(weighted_cross_entropy(logits, target, weights * factor), loss)
    logits[:, :, 0], target[:, 0] = 100, 0
    torch.testing.assert_close(weighted_cross_entropy(logits, target, weights), loss)


def test_nothing_annotated_costs_nothing() -> None:
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = weighted_cross_entropy(logits, torch.zeros(1, 3, 3, dtype=torch.long), torch.zeros(1, 3, 3))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
