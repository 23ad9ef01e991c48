"""The life of a task, drawn from the table of its moves."""

from __future__ import annotations

from handlers.task import ENDED, TRANSITIONS, Status


def diagram() -> str:
    """A Mermaid state diagram, which GitHub draws: https://mermaid.js.org/syntax/stateDiagram.html."""
    moves = "".join(
        f"    {move.source.value} --> {move.target.value}: {move.why}\n" for move in TRANSITIONS
    )
    ends = "".join(f"    {status.value} --> [*]\n" for status in Status if status in ENDED)
    start = f"    [*] --> {Status.QUEUED.value}: a command was admitted\n"
    return f"```mermaid\nstateDiagram-v2\n{start}{moves}{ends}```\n"
