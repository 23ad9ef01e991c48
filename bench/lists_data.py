"""A million tasks: whose they are, what they say and what became of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from pydantic import TypeAdapter

from handlers.task import Branches, PullRequest, Status, Task, Wish
from handlers.values import CurrentState, ErrorCode, Origin, Person, TaskError, Usage, Where
from storage.times import to_text

START = datetime(2025, 1, 1, tzinfo=UTC)
EVERY = timedelta(seconds=30)

ANN, BEN, BIG, WRITER, OPERATOR = 1, 2, 3, 4, 5
"""The people who ask. Ann and Ben own 1,000 tasks each, in 1 repository and in 100; Big owns a
tenth of all tasks, in 50 repositories; Writer owns none and can write in 100 repositories."""
CROWD = range(100, 2_100)
"""The owners of the other tasks."""
READER = CROWD[37]
"""One of them, with some hundred tasks in the busiest repository, where many others have theirs."""

REPOSITORIES = range(1, 2_001)
ANNS = range(900, 901)
BENS = range(1_000, 1_100)
BIGS = range(1, 51)
WRITERS = range(3, 2_000, 20)

AGENTS = ("claude", "codex", "command", "opencode")
ENDS = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.REJECTED)
OPEN = (Status.QUEUED, Status.RUNNING, Status.STARTING)

_TASK = TypeAdapter(Task)
# Words as often as in a language: the first is in nearly every text, the last in few of a million.
WORDS = [
    f"{first}{second}{third}"
    for first in ("ba", "ko", "mi", "tu", "se", "lo", "ra", "pe")
    for second in ("ra", "ne", "li", "do", "va", "si", "mo", "ku", "te", "fa")
    for third in ("", "n", "st", "ring", "ted", "ly", "ble", "ness", "x", "q")
]
_WEIGHTS = list(accumulate(1 / (rank + 3) for rank in range(len(WORDS))))
_REPOSITORY_WEIGHTS = list(accumulate(1 / (rank + 20) for rank in range(len(REPOSITORIES))))
RARE = 4_000
"""One task in so many speaks of `zugzwang`."""


@dataclass(frozen=True, slots=True)
class Row:
    """A task as the tables want it."""

    seq: int
    owner_id: int
    repository_id: int
    status: Status
    agent: str
    text: str
    doc: str
    queued_at: str
    ended: datetime | None

    @property
    def id(self) -> str:
        return id_of(self.seq)


def id_of(seq: int) -> str:
    """A UUIDv7 of the time at which the task was made."""
    millis = int((START + seq * EVERY).timestamp() * 1000)
    text = f"{millis:012x}7{seq & 0xFFF:03x}8{seq:015x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def rows(tasks: int) -> Iterator[Row]:
    """The tasks, oldest first."""
    chance = random.Random(7)
    forms = {status: _form(status) for status in Status}
    own_every = max(20, tasks // 1_000)
    for seq in range(1, tasks + 1):
        owner, repository = _who(chance, seq, own_every)
        lately = tasks - seq < min(500, tasks // 10)
        status = chance.choice(OPEN) if lately else chance.choices(ENDS, (75, 13, 7, 5))[0]
        agent = chance.choices(AGENTS, (50, 30, 15, 5))[0]
        yield _row(chance, seq, owner, repository, forms[status], agent)


def _who(chance: random.Random, seq: int, own_every: int) -> tuple[int, int]:
    if seq % own_every == 1 % own_every:
        return ANN, ANNS[0]
    if seq % own_every == 2 % own_every:
        return BEN, chance.choice(BENS)
    if chance.random() < 0.1:
        return BIG, chance.choice(BIGS)
    repository = chance.choices(REPOSITORIES, cum_weights=_REPOSITORY_WEIGHTS)[0]
    # A repository has a few dozen people, not all of them.
    return CROWD[(repository * 37 + chance.randrange(25)) % len(CROWD)], repository


def _form(status: Status) -> dict[str, object]:
    error = TaskError(
        ErrorCode.WORKER_FAILED, "the agent failed", "exit code 1", "Look at the log."
    )
    ended = status in ENDS
    pull = PullRequest(9, "https://github.example/acme/door/pull/9")
    task = Task(
        id="",
        name="",
        where=Where(1, 1, "", 7, is_pull_request=False, title=""),
        wish=Wish("fix", "", "", "container", 1800, "anthropic/claude-sonnet"),
        origin=Origin("comment", 1, 0, "https://github.example/acme/door/issues/7#issuecomment-1"),
        owner=Person(1, ""),
        requester=Person(1, ""),
        branches=Branches("main", "main", "bellhop/x", "0" * 40, pushed=True),
        status=status,
        state=CurrentState(START, status.value, ""),
        created_at=START,
        queued_at=START,
        updated_at=START,
        progress=100 if status is Status.COMPLETED else 0,
        outcome="0" * 64 if ended else None,
        pull=pull if status is Status.COMPLETED else None,
        error=error if status is Status.FAILED else None,
        usage=Usage(120_000, 9_000, 0.73),
        started_at=START if ended else None,
        completed_at=START if ended else None,
        version=5,
    )
    return _TASK.dump_python(task, mode="json")


def _row(  # noqa: PLR0917 - one call
    chance: random.Random,
    seq: int,
    owner: int,
    repository: int,
    form: dict[str, object],
    agent: str,
) -> Row:
    said = chance.choices(WORDS, cum_weights=_WEIGHTS, k=45)
    if seq % RARE == 0:
        said[3:5] = ["zugzwang", "again"]
    status = Status(str(form["status"]))
    queued = START + seq * EVERY
    ended = None
    if status in ENDS:
        late = timedelta(days=30) if chance.random() < 0.02 else timedelta()
        ended = queued + timedelta(seconds=chance.randrange(60, 3_600)) + late
    name, full_name = f"brave-otter-{seq:x}", f"acme/repository-{repository}"
    title, prompt = " ".join(said[:8]), " ".join(said[8:32])
    summary = " ".join(said[32:]) if ended else None
    person = {"id": owner, "login": f"person-{owner}"}
    doc = form | {
        "id": id_of(seq),
        "name": name,
        "where": {
            "installation_id": 1 + repository // 100,
            "repository_id": repository,
            "repository": full_name,
            "number": seq % 5_000,
            "is_pull_request": False,
            "title": title,
        },
        "wish": {**form["wish"], "prompt": prompt, "agent": agent},  # pyright: ignore[reportGeneralTypeIssues]
        "owner": person,
        "requester": person,
        "branches": {**form["branches"], "name": f"bellhop/{name}"},  # pyright: ignore[reportGeneralTypeIssues]
        "summary": summary,
        "created_at": queued.isoformat(),
        "queued_at": queued.isoformat(),
        "completed_at": ended and ended.isoformat(),
    }
    if doc["pull"]:
        doc["pull"] = {"number": seq, "url": f"https://github.example/pull/{seq}", "state": "open"}
    text = f"{name}\n{full_name}\n{title}\n{prompt}\n{summary or ''}"
    whole = json.dumps(doc, separators=(",", ":"))
    return Row(seq, owner, repository, status, agent, text, whole, to_text(queued), ended)
