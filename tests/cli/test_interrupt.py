from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from napari_unet.cli.interrupt import Interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def usual_ctrl_c() -> Iterator[None]:
    """A shell starts its background jobs deaf to Ctrl-C, and so these tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_ctrl_c_stops(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with Interrupt("stopping soon") as interrupt:
        assert not interrupt.requested
        signal.raise_signal(number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr() == ("", "stopping soon\n")


def test_the_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt("stopping"):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
