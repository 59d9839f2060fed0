"""The process in which finished files are written, one after the other, until its input ends.

Run as a script by `core.documents.exporting`: ``python -I export_child.py ORDER``; ORDER is a JSON object of *paths* (for
imports) and *memory_bytes*. Each request is four bytes with a length (big endian) and a pickled `ExportOrder`: what it
reads comes from its parent only. Each answer is five bytes, a kind (``F`` for a file, ``E`` for a JSON object about an
error) and a length, and the bytes: the parent unpickles nothing that a file may have had a hand in.
"""

import json
import pickle
import resource
import struct
import sys
from contextlib import suppress


def _limit(memory_bytes: int) -> None:
    for name, amount in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a system that cannot limit one of them still has the parent's clock
            resource.setrlimit(name, (amount, amount))


def _answer(request: bytes) -> tuple[bytes, bytes]:
    from core.documents.errors import ExportFailed, UnsupportedCharacters  # noqa: PLC0415 - after the limits
    from core.documents.exporting import run_order  # noqa: PLC0415

    try:
        return b"F", run_order(pickle.loads(request))  # noqa: S301 - from our parent, see above
    except UnsupportedCharacters as error:
        return b"E", json.dumps({"characters": error.characters}).encode()
    except ExportFailed as error:
        return b"E", json.dumps({"fault": str(error)}).encode()


def _main() -> None:
    order = json.loads(sys.argv[1])
    _limit(order["memory_bytes"])
    sys.path[:0] = order["paths"]
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        kind, data = _answer(source.read(struct.unpack(">I", head)[0]))
        target.write(struct.pack(">cI", kind, len(data)))
        target.write(data)
        target.flush()


if __name__ == "__main__":
    _main()
