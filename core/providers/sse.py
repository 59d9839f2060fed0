"""Server-sent events from raw bytes: one decoder for every provider.

The vendors' SDKs build several objects a token; reading the bytes costs a third of that and shows what they hide: a
stream that ends without its terminal marker. WHATWG: HTML Living Standard, section 9.2.6.
"""

_MOST_BYTES = 8 * 1024 * 1024  # of one event: far above any reply, far below what hurts


class SseTooLarge(ValueError):
    """An event grew beyond all reason."""


class SseDecoder:
    """Turns chunks of bytes, cut anywhere, into the data of whole events."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of every event that *chunk* completes, in order; comments and other fields are dropped.

        Raises:
            SseTooLarge: If an event exceeds 8 MiB.
        """
        return [data for block in self.split(chunk) if (data := event_data(block))]

    def split(self, chunk: bytes) -> list[bytes]:
        """Return the events that *chunk* completes as they came, line ends apart; see `event_data`.

        Raises:
            SseTooLarge: If an event exceeds 8 MiB.
        """
        buffer = self._buffer + chunk
        if b"\r" in buffer:
            # A carriage return at the very end may be half of a line end: it waits for the next chunk.
            held = b"\r" if buffer.endswith(b"\r") else b""
            buffer = buffer[: len(buffer) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
        *blocks, self._buffer = buffer.split(b"\n\n")
        if len(self._buffer) > _MOST_BYTES:
            raise SseTooLarge(f"an event of more than {_MOST_BYTES} bytes")
        return blocks

    def close(self) -> list[bytes]:
        """Return the data of an event that the stream ended without a blank line after; some servers do."""
        rest, self._buffer = self._buffer, b""
        data = event_data(rest.rstrip(b"\r\n"))
        return [data] if data else []


def event_data(block: bytes) -> bytes:
    """Return the data of one event, empty if it has none."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
    return b"\n".join(lines)
