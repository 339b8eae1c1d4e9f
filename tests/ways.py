"""Ways that are held, for work that gives way to a person."""

from __future__ import annotations

from napari_unet.models.giving_way import GivingWay


class Slow(GivingWay):
    """Is held for a moment, each time anew."""

    def __init__(self) -> None:
        super().__init__()
        self.waits, self.seconds = 0, 0.0

    def wait(self) -> float:
        self.hold(0.002)
        seconds = super().wait()
        self.waits += 1
        self.seconds += seconds
        return seconds
