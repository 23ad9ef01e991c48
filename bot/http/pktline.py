"""Git's pkt-lines: cut from a stream of bytes, and written. No I/O happens here.

A line is four hex digits, which count themselves, then that many bytes less four; `0000` is the
flush that ends a section (git's `Documentation/gitprotocol-common.txt`).
"""

from __future__ import annotations

from typing import Final

FLUSH: Final = b"0000"
HEADER: Final = 4
MAX_LINE: Final = 65520
MAX_PAYLOAD: Final = MAX_LINE - HEADER
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


class PktError(ValueError):
    """The bytes are not what git's protocol calls for."""


def encode(payload: bytes) -> bytes:
    """Write one line.

    Raises:
        PktError: More than `MAX_PAYLOAD` bytes.
    """
    if len(payload) > MAX_PAYLOAD:
        raise PktError(f"a pkt-line holds {MAX_PAYLOAD} bytes at most, not {len(payload)}")
    return b"%04x%b" % (len(payload) + HEADER, payload)


class PktBuffer:
    """Bytes in, lines out. It holds what was fed and not yet taken: one line and one feed."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> None:
        """Add what arrived; take the lines out before feeding again."""
        # Compacting here and not at each line keeps many short lines from moving many bytes.
        del self._bytes[: self._start]
        self._start = 0
        self._bytes += data

    def ready(self) -> bool:
        """Whether `take` has a whole line to give.

        Raises:
            PktError: What stands next is no line.
        """
        waiting = len(self._bytes) - self._start
        return waiting >= HEADER and waiting >= self._length()

    def take(self) -> bytes | None:
        """Give the next line's payload, or None for a flush; only when `ready`."""
        length = self._length()
        start = self._start + HEADER
        self._start += length or HEADER
        return bytes(self._bytes[start : self._start]) if length else None

    def rest(self) -> bytes:
        """Take everything that was fed and not yet taken, lines or not."""
        rest = bytes(self._bytes[self._start :])
        self._bytes.clear()
        self._start = 0
        return rest

    def _length(self) -> int:
        """Bytes of the next line with its header, 0 for a flush."""
        header = bytes(self._bytes[self._start : self._start + HEADER])
        if not _HEX.issuperset(header):
            raise PktError(f"{header.decode(errors='replace')!r} does not begin a pkt-line")
        length = int(header, 16)
        if length and not HEADER <= length <= MAX_LINE:
            raise PktError(f"a pkt-line of {length} bytes has no meaning in a push")
        return length
