"""The memory of a process that stays."""

import subprocess
import sys

import pytest

_ARENAS = """
import ctypes, sys, threading
from bots.bootstrap.heap import share_arena
libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_info"):
    sys.exit(3)
if sys.argv[1] == "shared":
    share_arena()
hold, meet = [], threading.Barrier(5)
def work():
    hold.append(bytearray(10_000))
    meet.wait()
for _ in range(4):
    threading.Thread(target=work).start()
meet.wait()
libc.fdopen.restype = ctypes.c_void_p
out = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fflush(ctypes.c_void_p(out))
"""


def _arenas(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", _ARENAS, how], capture_output=True, check=False)
    if done.returncode == 3:
        pytest.skip("another C library than glibc")
    assert done.returncode == 0, done.stderr
    return done.stdout.count(b"<heap nr=")


def test_all_threads_take_their_memory_from_one_place() -> None:
    """Without it each of them has its own."""
    assert _arenas("shared") == 1
    assert _arenas("apart") > 1
