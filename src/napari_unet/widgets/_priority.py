"""Let the window go first where work beside it wants the same processor."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading

#: A tenth of the window's turns, where both want the same core: with more, the window waits after it has drawn until
#: the work has caught up. Beside other programs that keep all cores busy, work gets its full share if they belong to
#: another session, as on a usual desktop, and a tenth of theirs if not.
_NICENESS = 10
#: Who asks for long turns is interrupted at once by who asks for short ones, and loses nothing by it.
_TURN_NS = 100_000_000
#: Number of the system call ``sched_setattr``, for which not every C library has a function.
_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}
#: ``struct sched_attr`` of Linux: size, policy, flags, niceness, priority, turn in ns, deadline, period.
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")


def step_back() -> None:
    """Let all other threads of the program go first; those that this thread starts step back with it.

    On Linux only: elsewhere a priority belongs to the whole program. The length of a turn counts from Linux 6.12 on.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
    if platform.machine() in _SET_ATTRIBUTES:
        niceness = os.getpriority(os.PRIO_PROCESS, thread)
        attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, niceness, 0, _TURN_NS, 0, 0)
        # A system that does not know it, or forbids it, leaves everything as it is.
        ctypes.CDLL(None).syscall(_SET_ATTRIBUTES[platform.machine()], thread, attributes, 0)
