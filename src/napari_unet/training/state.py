"""Everything that changes while training, and its way to tensors and back, exactly."""

from __future__ import annotations

import copy
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_unet.training.events import Validated
from napari_unet.training.schedule import renewal

if TYPE_CHECKING:
    from napari_unet.config.training import TrainingConfig


class TrainingState:
    """Network, running average of its weights, optimiser, and the counters of a run.

    Parameters
    ----------
    network
        The network to train, on its device.
    config
        Optimiser and averaging.

    Attributes
    ----------
    step
        Steps done.
    seconds
        Training time so far, pauses not counted.
    rate_factor
        Factor on the learning rate; halved when a step gives no finite number.
    taught_at
        Steps that were done when the annotation last changed.
    losses
        Loss of each step.
    validated
        What was found when the held-out part was looked at, oldest first.
    held_out_key, comparable_from
        What was held out when it was looked at last, as a number, and the first of these that was held against it.
    beginning
        The network to start from, which part of the model remains; None: nothing of it does.
    kept
        Share of its weights in those of the model, 0 … 1.
    began_trained
        Whether the network had learnt before the first step.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig) -> None:
        self.network = network
        self.average = copy.deepcopy(network).eval() if config.weight_averaging else None
        self.optimizer = make_optimizer(network, config)
        self._config = config
        # Collected once: going through the modules at each step would cost a small network a twentieth of its time.
        self._averaged, self._current = _floating(self.trained), _floating(network)
        self.beginning: nn.Module | None = None
        self.kept = 0.0
        self.began_trained = False
        self.step = 0
        self.seconds = 0.0
        self.rate_factor = 1.0
        self.taught_at = 0
        self.losses: list[float] = []
        self.validated: list[Validated] = []
        self.held_out_key = self.comparable_from = 0

    @property
    def predicting(self) -> nn.Module:
        """The network whose weights the model gets: the average where there is one, with what is kept mixed in."""
        if self.beginning is None or not self.kept:
            return self.trained
        mixed = copy.deepcopy(self.trained)
        torch._foreach_lerp_(_floating(mixed), _floating(self.beginning), self.kept)
        return mixed

    @property
    def trained(self) -> nn.Module:
        """The average of the weights where there is one, else those of the last step; nothing mixed in."""
        return self.network if self.average is None else self.average

    def begin(self) -> nn.Module:
        """Remember the network of this moment as the one to start from.

        Returns
        -------
        torch.nn.Module
            The copy that is remembered.
        """
        self.beginning = copy.deepcopy(self.network).eval()
        return self.beginning

    def hold_out(self, key: int) -> bool:
        """Say what is held out from now on: what was found in something else is no measure of what will be found.

        Parameters
        ----------
        key
            A number for it.

        Returns
        -------
        bool
            Whether it is something else than before.
        """
        if key == self.held_out_key:
            return False
        self.held_out_key, self.comparable_from = key, len(self.validated)
        return True

    def remember(self, loss: float, iou: float) -> Validated:
        """Remember what was found in the held-out part at this step.

        Parameters
        ----------
        loss, iou
            See `Validated`.

        Returns
        -------
        Validated
            Knows whether it is the best so far: no earlier one did better in both.
        """
        # Late models are better, as the learning rate falls to zero; a few held-out pixels say otherwise by chance.
        comparable = self.validated[self.comparable_from :]
        best = not any(earlier.loss < loss and earlier.iou > iou for earlier in comparable)
        self.validated.append(Validated(self.step, loss, iou, best))
        return self.validated[-1]

    def set_rate(self, rate: float) -> None:
        """Take the next step at a learning rate.

        Parameters
        ----------
        rate
            For all weights.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def advance(self, loss: float, fresh: float) -> None:
        """Count a step that was taken.

        Parameters
        ----------
        loss
            Of the step.
        fresh
            How much there is still to learn, see `napari_unet.training.schedule.freshness`.
        """
        self.step += 1
        self._update_average(fresh)
        self.losses.append(loss)

    @torch.no_grad()
    def _update_average(self, fresh: float) -> None:
        """Take the weights of the last step into the average."""
        if self.average is None:
            return
        # Random weights to start from take long to be worth anything.
        fresh = fresh if self.began_trained else 1.0
        share = renewal(self._config, self.step, self.step - self.taught_at, fresh)
        torch._foreach_lerp_(self._averaged, self._current, share)

    def tensors(self) -> dict[str, Tensor]:
        """Give every tensor of the state by name; copies, on the CPU."""
        parts = {"network": self.network.state_dict(), "optimizer": self._optimizer_tensors()}
        if self.average is not None:
            parts["average"] = self.average.state_dict()
        if self.beginning is not None:
            parts["beginning"] = self.beginning.state_dict()
        named = {f"{part}/{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
        copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in named.items()}
        rows = torch.tensor([astuple(event) for event in self.validated], dtype=torch.float64)
        curves = {"losses": torch.tensor(self.losses, dtype=torch.float64), "validated": rows}
        return copies | curves

    def counters(self) -> dict[str, float]:
        """Give the numbers of the state by name."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "rate_factor": self.rate_factor,
            "taught_at": self.taught_at,
            "kept": self.kept,
            "began_trained": self.began_trained,
            "held_out_key": self.held_out_key,
            "comparable_from": self.comparable_from,
        }

    def restore(self, tensors: dict[str, Tensor], counters: dict[str, float]) -> None:
        """Go back to a state given by `tensors` and `counters`.

        Parameters
        ----------
        tensors, counters
            As given by the methods of these names.

        Raises
        ------
        KeyError, RuntimeError
            If they belong to another network or optimiser.
        """
        self.network.load_state_dict(_part(tensors, "network"))
        if self.average is not None:
            self.average.load_state_dict(_part(tensors, "average"))
        self.kept = counters["kept"]
        if beginning := _part(tensors, "beginning"):
            self.begin().load_state_dict(beginning)
        self._restore_optimizer(_part(tensors, "optimizer"))
        self.losses = tensors["losses"].tolist()
        self.validated = [Validated.from_numbers(*row) for row in tensors["validated"].tolist()]
        self.step = int(counters["step"])
        self.seconds, self.rate_factor = counters["seconds"], counters["rate_factor"]
        self.taught_at = int(counters.get("taught_at", 0))
        self.began_trained = bool(counters.get("began_trained", False))
        self.held_out_key = int(counters.get("held_out_key", 0))
        self.comparable_from = int(counters.get("comparable_from", 0))

    def _optimizer_tensors(self) -> dict[str, Tensor]:
        """Give the optimiser's memory by parameter number and name."""
        state: dict[int, dict[str, Any]] = self.optimizer.state_dict()["state"]
        return {
            f"{number}/{name}": torch.as_tensor(value)
            for number, values in state.items()
            for name, value in values.items()
            if value is not None
        }

    def _restore_optimizer(self, tensors: dict[str, Tensor]) -> None:
        """Give the optimiser its memory back."""
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            number, name = key.split("/")
            state.setdefault(int(number), {})[name] = tensor
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Make the optimiser.

    Parameters
    ----------
    network
        Its parameters are optimised; weight decay acts on kernels only, not on biases and normalisation.
    config
        Kind of optimiser and its numbers.

    Returns
    -------
    torch.optim.Optimizer
        The optimiser.
    """
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.momentum, 0.999), foreach=True)


def _floating(network: nn.Module) -> list[Tensor]:
    """Give all weights and buffers that are not integers."""
    return [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """Give the tensors of one part under their own names."""
    prefix = part + "/"
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
