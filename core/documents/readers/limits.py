"""How much one upload may cost."""

from dataclasses import dataclass

from core.documents.errors import UnreadableFile

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of reading one file; the defaults fit every real document that was measured.

    Attributes:
        upload_bytes: Size of the file.
        pages: Pages of a PDF.
        characters: Characters of the text, both as it stands in the file and as it comes out, Markdown included.
        zip_entries: Parts of a Word file.
        zip_unpacked_bytes: All its parts unpacked.
        zip_xml_bytes: One XML part unpacked.
        zip_ratio: Unpacked to packed size of a part above *zip_ratio_floor_bytes*.
        zip_ratio_floor_bytes: Parts up to this size may be packed as tightly as they like.
        memory_bytes: Address space of the child process.
        cpu_seconds: Processor time of the child process.
        wall_seconds: Time from start to end of the child process.
        output_bytes: What the child may answer.
        file_bytes: What the child may write to one file.
    """

    upload_bytes: int = 25 * _MEGABYTE
    pages: int = 500
    characters: int = 2_000_000
    zip_entries: int = 2_000
    zip_unpacked_bytes: int = 200 * _MEGABYTE
    zip_xml_bytes: int = 50 * _MEGABYTE
    zip_ratio: int = 200
    zip_ratio_floor_bytes: int = _MEGABYTE
    memory_bytes: int = 768 * _MEGABYTE
    cpu_seconds: int = 15
    wall_seconds: float = 20.0
    output_bytes: int = 8 * _MEGABYTE
    file_bytes: int = 64 * _MEGABYTE

    def check_characters(self, found: int) -> None:
        """Refuse a text that has *found* characters, or more, if that is too many.

        Readers ask before they build blocks as well as after: building takes seconds for a text that is refused anyway.

        Raises:
            UnreadableFile: ``file_too_large``.
        """
        if found > self.characters:
            reason = f"The text has more than {self.characters:,} characters, which is the limit."
            raise UnreadableFile("file_too_large", reason)
