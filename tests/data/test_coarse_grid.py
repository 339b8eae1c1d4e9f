from __future__ import annotations

import torch

from napari_unet.data.coarse_grid import GRID, bicubic_weights, spread


def test_grid_points_keep_their_values_and_a_constant_stays_one() -> None:
    grid = torch.rand(2, GRID, GRID)
    patch = spread(grid, (9, 21))
    torch.testing.assert_close(patch[:, ::4, ::10], grid)
    torch.testing.assert_close(bicubic_weights(50).sum(1), torch.ones(50))


def test_what_is_spread_is_the_bicubic_interpolation() -> None:
    grid = torch.randn(3, GRID, GRID)
    expected = torch.nn.functional.interpolate(grid[None], size=(30, 17), mode="bicubic", align_corners=True)[0]
    torch.testing.assert_close(spread(grid, (30, 17)), expected)
