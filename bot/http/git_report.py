"""What became of a push: read from GitHub's answer, and written for the worker's git. No I/O.

The report is `unpack ok` or `unpack why`, then `ok ref` or `ng ref why`, then a flush; with
side-band-64k it is wrapped in lines that begin with their band: 1 the report, 2 text for the
person, 3 the end by an error (git's `gitprotocol-pack.txt`, "Report Status").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.http import pktline
from bot.http.pktline import PktBuffer, PktError

if TYPE_CHECKING:
    from collections.abc import Iterable

REPORT_BAND: Final = b"\1"
PROGRESS_BAND: Final = b"\2"
ERROR_BAND: Final = b"\3"
MAX_SENTENCE: Final = 500
MAX_LINES: Final = 100


class ReportReader:
    """GitHub's answer to a push of one ref.

    `taken` is None until the answer is complete, then whether GitHub took the ref; `why` is
    GitHub's reason where it did not.
    """

    def __init__(self, ref: bytes, *, side_band: bool) -> None:
        self.taken: bool | None = None
        self.why = ""
        self._ref = ref
        self._side_band = side_band
        self._outer = PktBuffer()
        self._inner = PktBuffer()
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Read on; gives what GitHub says to the person meanwhile (empty texts keep alive).

        Raises:
            PktError: It is no report, or GitHub ended it by an error.
        """
        if not self._side_band:
            self._read_report(data)
            return []
        progress: list[bytes] = []
        self._outer.feed(data)
        while self._outer.ready():
            line = self._outer.take() or b""
            if line[:1] == REPORT_BAND:
                self._read_report(line[1:])
            elif line[:1] == PROGRESS_BAND:
                progress.append(line[1:])
            elif line[:1] == ERROR_BAND:
                # Whether the ref moved before the error stands nowhere: no verdict.
                raise PktError(
                    f"GitHub ended the push: {one_line(line[1:].decode(errors='replace'))}"
                )
            elif line:
                raise PktError("there is no such band")
        return progress

    def _read_report(self, data: bytes) -> None:
        self._inner.feed(data)
        while self._inner.ready():
            line = self._inner.take()
            if line is None:
                self._judge()
            elif len(self._lines) == MAX_LINES:
                raise PktError("the report does not end")
            else:
                self._lines.append(line.removesuffix(b"\n"))

    def _judge(self) -> None:
        refused = b"ng " + self._ref + b" "
        for line in self._lines:
            if line.startswith(b"unpack ") and line != b"unpack ok":
                self._refuse(b"unpacking failed: " + line.removeprefix(b"unpack "))
            elif line.startswith(refused):
                self._refuse(line.removeprefix(refused))
        if self.taken is None and b"ok " + self._ref not in self._lines:
            raise PktError("the report does not name the ref")
        self.taken = self.taken is None

    def _refuse(self, why: bytes) -> None:
        if self.taken is None:
            self.taken = False
            self.why = one_line(why.decode(errors="replace"))


def one_line(text: str) -> str:
    """Make foreign text fit to stand in a report: printable, in one line, not long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:MAX_SENTENCE]


def encode(refs: Iterable[bytes], refused: str | None, *, side_band: bool) -> bytes:
    """Write the report: all of `refs` refused with that sentence, or with None all taken."""
    verdicts = [
        b"ok " + ref if refused is None else b"ng " + ref + b" " + one_line(refused).encode()
        for ref in refs
    ]
    lines = [b"unpack ok", *verdicts]
    report = b"".join(pktline.encode(line + b"\n") for line in lines) + pktline.FLUSH
    if not side_band:
        return report
    size = pktline.MAX_PAYLOAD - 1
    pieces = [report[at : at + size] for at in range(0, len(report), size)]
    return b"".join(pktline.encode(REPORT_BAND + piece) for piece in pieces) + pktline.FLUSH


def progress(text: bytes) -> bytes:
    """Write text for the person who pushes; an empty one keeps the connection alive."""
    return pktline.encode(PROGRESS_BAND + text)
