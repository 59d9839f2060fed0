"""The memory of a process that stays."""

import ctypes
import gc

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_arena() -> None:
    """Let all threads take their memory from one place. Call it before there are any.

    glibc gives each thread a place of its own, up to eight a core, and hardly ever gives back what one of them held. Under
    the interpreter's lock forty threads do not compete, so that buys nothing. Other C libraries have no such switch.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def settle_heap() -> None:
    """Let the collector forget what is there now: modules, types and services that live as long as the process.

    A full collection looks at all of that, 0.3 s with nothing answered meanwhile, to find what a hundred sessions left.
    Call it once, when everything was imported and built.
    """
    gc.collect()
    gc.freeze()
