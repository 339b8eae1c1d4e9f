"""Something to do between the layers of a network, where a long computation can be held."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn


@contextmanager
def between_layers(network: nn.Module, act: Callable[[], object]) -> Iterator[None]:
    """Do something after each layer that has weights, on the way forward and on the way back.

    Parameters
    ----------
    network
        Used within the context; copies that are made of it meanwhile act, too.
    act
        What to do. It is called in the thread that computes, and changes nothing of what is computed.

    Examples
    --------
    >>> import torch
    >>> calls = []
    >>> layer = torch.nn.Linear(1, 1)
    >>> with between_layers(layer, lambda: calls.append("here")):
    ...     layer(torch.ones(1)).sum().backward()
    >>> calls
    ['here', 'here']
    """

    def on_the_way_back(gradient: Tensor) -> None:
        act()

    def on_the_way_forward(layer: nn.Module, inputs: object, output: Tensor) -> None:
        act()
        if output.requires_grad:
            output.register_hook(on_the_way_back)  # type: ignore[no-untyped-call]

    layers = [layer for layer in network.modules() if next(layer.parameters(recurse=False), None) is not None]
    handles = [layer.register_forward_hook(on_the_way_forward) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
