"""What GitHub's side offers before a push, narrowed to what a worker may use. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.http import pktline
from bot.http.git_commands import ZERO, is_known
from bot.http.git_report import one_line
from bot.http.pktline import PktBuffer, PktError

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE: Final = b"# service=git-receive-pack\n"
STAGING: Final = b"refs/bellhop/"
# Pull requests outnumber branches on busy repositories, and other tasks' staging refs may vanish
# at any moment: neither is worth a worker's time. All other refs are kept, because git leaves out
# of a pack what it sees here: a new branch would otherwise carry the repository's whole history.
_HIDDEN: Final = (b"refs/pull/", STAGING)
_ID_LENGTH: Final = 40


class AdvertFilter:
    """GitHub's advertisement in, the worker's out, line by line.

    `heads` tells the ids of the refs that were asked for by name, as far as they were seen.
    `ended` turns true with the closing flush.
    """

    def __init__(self, watched: frozenset[bytes]) -> None:
        self.heads: dict[bytes, str] = {}
        self.ended = False
        self._watched = watched
        self._lines = PktBuffer()
        self._named = False
        self._greeted = False
        self._capabilities: bytes | None = None
        self._kept = False

    def feed(self, data: bytes) -> bytes:
        """Give what the worker may read of `data`.

        Raises:
            PktError: It is no advertisement of a SHA-1 repository, or GitHub sent an error.
        """
        self._lines.feed(data)
        return b"".join(self._pass_on())

    def _pass_on(self) -> Iterator[bytes]:
        while self._lines.ready():
            line = self._lines.take()
            if self.ended:
                raise PktError("there is something behind the list of refs")
            if self._greeted:
                yield self._end() if line is None else self._ref(line)
            elif line is None and self._named:
                self._greeted = True
                yield pktline.encode(SERVICE) + pktline.FLUSH
            elif line is None or line.removesuffix(b"\n") != SERVICE.strip():
                raise PktError("this is no answer of a git server")
            else:
                self._named = True

    def _ref(self, line: bytes) -> bytes:
        if line.startswith(b"ERR "):
            raise PktError(one_line(line[4:].decode(errors="replace")))
        if self._capabilities is None:
            line, _, offered = line.partition(b"\0")
            self._capabilities = _narrowed(offered)
        identity, space, ref = line.rstrip(b"\n").partition(b" ")
        if line.startswith(b"shallow "):
            return pktline.encode(line)
        if len(identity) != _ID_LENGTH or not space:
            raise PktError("this is no list of refs of a SHA-1 repository")
        if ref in self._watched:
            self.heads[ref] = identity.decode(errors="replace")
        hidden = ref.startswith(_HIDDEN) or ref == b"capabilities^{}"
        return b"" if hidden else self._line(identity + b" " + ref)

    def _line(self, text: bytes) -> bytes:
        first = not self._kept
        self._kept = True
        offered = b"\0" + (self._capabilities or b"") if first else b""
        return pktline.encode(text + offered + b"\n")

    def _end(self) -> bytes:
        self.ended = True
        # A list of no refs still has to carry the capabilities, under this name.
        nothing = b"" if self._kept else self._line(ZERO.encode() + b" capabilities^{}")
        return nothing + pktline.FLUSH


def _narrowed(offered: bytes) -> bytes:
    # Deleting is offered and then refused: where it is not offered, git refuses without a reason.
    names = offered.decode(errors="replace").split()
    return " ".join(name for name in names if is_known(name) or name == "delete-refs").encode()
