"""Run a generator of the engine beside the window, and bring its events to it.

napari's own workers are not used: while one runs, it changes how warnings are shown in the whole program, it delivers
every event on its own however many there are, and it does not close its generator.
"""

from __future__ import annotations

import gc
import queue
import sys
import threading
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import notification_manager
from qtpy.QtCore import QCoreApplication, QObject, QTimer, Signal

from napari_unet.errors import InputError
from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._priority import step_back

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

#: So often the window hears of events; nobody sees more pictures a second.
_TICK_MS = 50
#: Events that may wait for the window; the generator waits when there are more.
_MOST_WAITING = 200
_PATIENCE_S = 0.1
#: Longest turn of a thread in the interpreter while another one waits for it, seconds.
_TURN_S = 0.001
#: One entry a generator that works.
_at_work: list[None] = []
#: The turn that the program had before; empty while nothing works.
_usual_turn_s: list[float] = []
_at_work_lock = threading.Lock()


class EventStream:
    """Events of a generator that runs in a thread of its own; knows nothing of Qt.

    Parameters
    ----------
    make_events
        Makes the generator. Called in the thread, so that preparing may take its time.
    gives_way
        Whether the window goes first where both want the same processor.

    Attributes
    ----------
    error
        What the generator raised; None: nothing, so far.

    Examples
    --------
    >>> stream = EventStream(lambda: (number for number in range(3)))
    >>> stream.wait(timeout=10)
    True
    >>> stream.take()
    [0, 1, 2]
    """

    def __init__(self, make_events: Callable[[], Generator[Any]], *, gives_way: bool = True) -> None:
        self.error: Exception | None = None
        self._gives_way = gives_way
        self._waiting: queue.Queue[Any] = queue.Queue(_MOST_WAITING)
        self._stopping = threading.Event()
        self._going = threading.Event()
        self._going.set()
        # The interpreter waits for it at its end: what a stopped training saves is on the disk then.
        self._thread = threading.Thread(target=self._work, args=(make_events,), name="napari-unet", daemon=False)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the generator still works, or tidies up."""
        return self._thread.is_alive()

    @property
    def is_paused(self) -> bool:
        """Whether the generator is not asked for more."""
        return not self._going.is_set()

    def take(self) -> list[Any]:
        """Take the events that wait, oldest first."""
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]

    def pause(self) -> None:
        """Ask for no further event."""
        self._going.clear()

    def resume(self) -> None:
        """Ask for events again."""
        self._going.set()

    def stop(self) -> None:
        """Close the generator once it gives its next event, whatever it is; does not wait for that."""
        self._stopping.set()
        self._going.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the generator is closed; tell whether it is.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: any.
        """
        self._thread.join(timeout)
        return not self.is_alive

    def _work(self, make_events: Callable[[], Generator[Any]]) -> None:
        """Go through the events; the body of the thread."""
        if self._gives_way:
            step_back()
        try:
            with _window_first(), closing(make_events()) as events:
                for event in events:
                    self._put(event)
                    self._going.wait()
                    if self._stopping.is_set():
                        return
        except Exception as error:
            self.error = error

    def _put(self, event: Any) -> None:
        """Hand over an event, and wait for room as long as somebody may take it."""
        while True:
            try:
                return self._waiting.put(event, timeout=_PATIENCE_S)
            except queue.Full:
                if self._stopping.is_set():
                    return None


class EventRunner(QObject):
    """Runs one generator at a time and tells the window of its events, a few times a second.

    It ends with its parent: when that is destroyed, or the program quits, the generator is stopped.

    Parameters
    ----------
    parent
        Object it belongs to.
    gives_way
        Whether the window goes first where both want the same processor, as is right for all that takes long.

    Attributes
    ----------
    arrived
        Signal with the list of events since the last time.
    failed
        Signal with the exception that ended the generator. Whoever listens shows an `InputError`, which is written
        for the person; of any other one napari has told already, with where it comes from.
    ended
        Signal: the generator is closed, for whatever reason. The last one of a run.
    """

    arrived = Signal(list)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, parent: QObject | None = None, *, gives_way: bool = True) -> None:
        super().__init__(parent)
        self._gives_way = gives_way
        self._streams: list[EventStream] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        on_destruction(self, partial(_stop, self._streams))
        application = QCoreApplication.instance()
        assert application is not None
        application.aboutToQuit.connect(self.stop)

    @property
    def is_running(self) -> bool:
        """Whether a generator is not closed yet, paused or not."""
        return bool(self._streams)

    @property
    def is_paused(self) -> bool:
        """Whether the generator is not asked for more."""
        return self.is_running and self._streams[0].is_paused

    def start(self, make_events: Callable[[], Generator[Any]]) -> None:
        """Start a generator.

        Parameters
        ----------
        make_events
            Makes the generator; called in the other thread, where no layer or widget may be touched.

        Raises
        ------
        RuntimeError
            If one is running.
        """
        if self.is_running:
            raise RuntimeError("the generator before is still running; stop it and wait for `ended`")
        self._streams.append(EventStream(make_events, gives_way=self._gives_way))
        self._timer.start()

    def pause(self) -> None:
        """Ask the generator for no further event."""
        for stream in self._streams:
            stream.pause()

    def resume(self) -> None:
        """Ask the generator for events again."""
        for stream in self._streams:
            stream.resume()

    def stop(self) -> None:
        """Close the generator after its next event; `ended` tells when it is done."""
        _stop(self._streams)

    def _tick(self) -> None:
        """Tell what happened since the last tick."""
        stream = self._streams[0]
        over = not stream.is_alive
        if events := stream.take():
            self.arrived.emit(events)
        if over:
            self._end(stream)

    def _end(self, stream: EventStream) -> None:
        """Tell that the generator is closed, and why."""
        self._timer.stop()
        self._streams.clear()
        if (error := stream.error) is not None:
            if not isinstance(error, InputError):
                notification_manager.receive_error(type(error), error, error.__traceback__)
            self.failed.emit(error)
        self.ended.emit()


@contextmanager
def _window_first() -> Iterator[None]:
    """Let Python serve the window at once while there is work beside it.

    When Python looks for garbage, it leaves out the many objects that were there before: looking through all objects
    of napari takes the window a sixth of a second each time, and work makes that happen. And whoever waits for the
    interpreter gets it after a millisecond, not after five.
    """
    with _at_work_lock:
        if not _at_work:
            _usual_turn_s.append(sys.getswitchinterval())
            _set_turn(min(_TURN_S, *_usual_turn_s))
        _at_work.append(None)
        gc.freeze()
    try:
        yield
    finally:
        with _at_work_lock:
            _at_work.pop()
            if not _at_work:
                gc.unfreeze()
                _set_turn(_usual_turn_s.pop())


def _set_turn(seconds: float) -> None:
    """Say how long who has the interpreter keeps it; Python cuts off what is less than a microsecond."""
    sys.setswitchinterval(seconds + 5e-7)


def _stop(streams: list[EventStream]) -> None:
    """Stop what runs."""
    for stream in streams:
        stream.stop()
