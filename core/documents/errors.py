"""What can be wrong with a file or an edit, in terms a person can act on."""

from core.errors import UserFacingError


class UnreadableFile(UserFacingError):
    """The file cannot become a document.

    Attributes:
        code: One of ``file_encrypted``, ``file_scanned``, ``file_empty``, ``file_corrupt``, ``file_too_large``,
            ``file_unsupported``, ``file_hostile``, ``file_timeout``.
        reason: One sentence in plain words, naming the limit or the fault.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class EditsRejected(UserFacingError):
    """At least one edit could not be applied, so none was.

    Attributes:
        failures: ``(index of the edit, ref it named, why)`` for each edit that failed; why is ``unknown``,
            ``stale``, ``duplicate``, ``locked`` or ``empty``.
    """

    code = "edits_rejected"

    def __init__(self, failures: tuple[tuple[int, str, str], ...]) -> None:
        super().__init__("; ".join(f"{ref}: {why}" for _, ref, why in failures))
        self.failures = failures


class UnsupportedCharacters(UserFacingError):
    """A text cannot be written in a format, because its fonts lack characters; other formats can hold it.

    Attributes:
        characters: The characters that are missing, in order of first use, each once.
    """

    code = "characters_unsupported"

    def __init__(self, characters: tuple[str, ...]) -> None:
        super().__init__("no glyph for " + " ".join(f"{one} (U+{ord(one):04X})" for one in characters))
        self.characters = characters


class ExportFailed(UserFacingError):
    """A file could not be written in a format: it took all time or memory allowed, or broke the writer."""

    code = "export_failed"


def place_of(error: BaseException) -> str:
    """Return type and place of *error*, without its message, which may quote the document."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"
