"""The process in which one upload is parsed: limits first, then the parsers, then one JSON object on standard output.

Run as a script by `core.documents.sandbox`: ``python -I sandbox_child.py ORDER`` with the file on standard input; ORDER
is a JSON object of *limits*, *paths* (for imports) and *name*. It imports nothing of the product before its limits
stand, and answers ``{"document": ...}`` or ``{"code": ..., "reason": ...}``.
"""

import json
import resource
import sys
from contextlib import suppress


def _limit(limits: dict[str, int]) -> None:
    for name, amount, spare in (
        (resource.RLIMIT_AS, limits["memory_bytes"], 0),
        (resource.RLIMIT_CPU, limits["cpu_seconds"], 1),
        (resource.RLIMIT_FSIZE, limits["file_bytes"], 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        # A second to spare makes the kernel say SIGXCPU, which can be told from SIGKILL, when the processor time is up.
        # A system that cannot limit one of them (macOS: address space) still has the others and the wall clock.
        with suppress(ValueError, OSError):
            resource.setrlimit(name, (amount, amount + spare))


def _answer(data: bytes, name: str, limits: dict[str, int]) -> dict[str, object]:
    import logging  # noqa: PLC0415 - after the limits
    import warnings  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    from core.documents.errors import UnreadableFile, place_of  # noqa: PLC0415
    from core.documents.readers.limits import Limits  # noqa: PLC0415
    from core.documents.reading import read  # noqa: PLC0415

    try:
        return {"document": read(data, name=name, limits=Limits(**limits)).to_json()}
    except UnreadableFile as error:
        return {"code": error.code, "reason": error.reason}
    except (MemoryError, RecursionError) as error:
        reason = "The file looks like an attack: reading it takes more memory than any document needs."
        return {"code": "file_hostile", "reason": reason, "fault": place_of(error)}
    except Exception as error:  # noqa: BLE001 - the outermost edge of the process: whatever a parser raises, the file is at fault
        reason = "It could not be read to its end."
        return {"code": "file_corrupt", "reason": reason, "fault": place_of(error)}


def _main() -> None:
    order = json.loads(sys.argv[1])
    _limit(order["limits"])
    sys.path[:0] = order["paths"]
    answer = _answer(sys.stdin.buffer.read(), order["name"], order["limits"])
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
