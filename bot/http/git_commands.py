"""What a worker asks for at the head of a push, and whether the gate lets it through. No I/O.

The request is lines `old new ref`, the first with capabilities behind a NUL, perhaps preceded by
`shallow id` lines, ended by a flush; the pack follows (git's `gitprotocol-pack.txt`, "Reference
Update Request and Packfile Transfer").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bot.http import pktline
from bot.http.pktline import PktError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.http.git_desk import PushGrant

ZERO: Final = "0" * 40
MAX_SECTION: Final = 512 << 10
# Git sends some 150 bytes. What is taken has to fit one line again when it is passed on.
MAX_CAPABILITIES: Final = 1000
# What the gate itself understands of a push. Anything else a server offers (deleting, several refs
# at once, options, signed pushes) is neither offered to the worker nor taken from it.
CAPABILITIES: Final = frozenset(
    {"report-status", "report-status-v2", "side-band-64k", "ofs-delta", "quiet"}
)
VALUED_CAPABILITIES: Final = frozenset({"agent", "object-format"})
_COMMAND: Final = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\x00-\x20\x7f]{1,1024})")
_SHALLOW: Final = re.compile(rb"shallow [0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Command:
    """Move `ref` from `old` to `new`: 40 hex digits each, all zeros for "is not there"."""

    old: str
    new: str
    ref: bytes

    @property
    def line(self) -> bytes:
        """The command as it stands in a request."""
        return f"{self.old} {self.new} ".encode() + self.ref


@dataclass(frozen=True, slots=True)
class PushRequest:
    """The head of a push. Without any command it is git asking whether it may push at all."""

    commands: tuple[Command, ...]
    capabilities: tuple[str, ...]
    shallow: tuple[bytes, ...]

    @property
    def wants_report(self) -> bool:
        """Whether the worker's git reads what became of its push."""
        return not {"report-status", "report-status-v2"}.isdisjoint(self.capabilities)

    @property
    def side_band(self) -> bool:
        """Whether the answer is wrapped in bands, so that progress can stand beside it."""
        return "side-band-64k" in self.capabilities


def parse(lines: Sequence[bytes]) -> PushRequest:
    """Read the lines before the first flush.

    Raises:
        PktError: They are not a push that the gate understands.
    """
    shallow: list[bytes] = []
    commands: list[Command] = []
    capabilities: tuple[str, ...] = ()
    for raw in lines:
        line = raw.removesuffix(b"\n")
        if not commands:
            if _SHALLOW.fullmatch(line):
                shallow.append(line)
                continue
            line, _, offered = line.partition(b"\0")
            if len(offered) > MAX_CAPABILITIES:
                raise PktError(f"more than {MAX_CAPABILITIES} bytes of capabilities")
            capabilities = tuple(offered.decode(errors="replace").split())
        commands.append(_command(line))
    return PushRequest(tuple(commands), capabilities, tuple(shallow))


def _command(line: bytes) -> Command:
    found = _COMMAND.fullmatch(line)
    if not found:
        raise PktError(f"{line[:80].decode(errors='replace')!r} is no update of a ref")
    old, new, ref = found.groups()
    return Command(old.decode(), new.decode(), ref)


def is_known(capability: str) -> bool:
    """Whether the gate passes a capability on, in either direction."""
    name, valued, value = capability.partition("=")
    if name == "object-format":
        return value == "sha1"
    return name in VALUED_CAPABILITIES if valued else name in CAPABILITIES


def refusal(request: PushRequest, grant: PushGrant) -> str | None:
    """Say why the push must not pass, or None if it may, whatever its old commit."""
    strange = [name for name in request.capabilities if not is_known(name)]
    branch_ref = b"refs/heads/" + grant.branch.encode()
    if strange:
        return f"Bellhop does not take pushes with {strange[0][:40]!r}; push without it"
    if len(request.commands) != 1:
        return f"one branch at a time; push only {grant.branch}"
    command = request.commands[0]
    if command.ref != branch_ref:
        return f"this task may push only to its own branch, {grant.branch}"
    if command.new == ZERO:
        return "this task may not delete its branch; push a commit instead"
    return None


def stale(command: Command, grant: PushGrant) -> str | None:
    """Say so if the push does not start from the head that Bellhop knows, else None."""
    known = grant.head or ZERO
    if command.old == known:
        return None
    return (
        f"the branch is known at {_short(known)}, the push starts from {_short(command.old)}; "
        "fetch from GitHub, rebase and push again"
    )


def _short(commit: str) -> str:
    return "no commit" if commit == ZERO else commit[:10]


def staged(command: Command, staging: bytes) -> Command:
    """Turn an update into the creation of another ref, which no history can contradict."""
    return replace(command, old=ZERO, ref=staging)


def encode(request: PushRequest, command: Command) -> bytes:
    """Write the head of the push to GitHub: `command` alone, under the worker's capabilities."""
    kept = [name for name in request.capabilities if is_known(name) and name != "report-status-v2"]
    if "report-status" not in kept:
        kept.insert(0, "report-status")
    first = command.line + b"\0 " + " ".join(kept).encode()
    return b"".join(map(pktline.encode, [*request.shallow, first])) + pktline.FLUSH
