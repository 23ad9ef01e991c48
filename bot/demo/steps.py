"""What there is to tell of a look at the demonstration, and what should be there in the end."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from bot.demo.offline import Remark, Thread
from bot.demo.world import TaskSeen, World

ENDS = frozenset({"completed", "failed", "cancelled", "rejected"})
END_MARKS = ("✅", "❌", "⏹️")
"""How a status comment begins once its task has ended."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was seen: `key` is the same whenever it is seen again."""

    key: Hashable
    mark: str
    text: str
    details: tuple[str, ...] = ()


def steps(world: World) -> Iterator[Step]:
    """Everything there is to tell, roughly in the order in which it comes about."""
    yield from _said_by_people(world)
    for delivery in world.deliveries:
        yield Step(
            ("delivery", delivery.id),
            "📨",
            f"GitHub delivers {delivery.event}.{delivery.action}: signature checked, stored, "
            f"answered {delivery.status_code} in {delivery.duration:.2f} s",
        )
    for seen in world.tasks:
        yield from _of_task(seen, ended=False)
    for branch, commit in world.commits.items():
        text = f"On {branch}: {commit.sha} by {commit.author}, “{commit.title}”"
        yield Step(("commit", commit.sha), "🌿", text, commit.changed)
    yield from _pulls(world)
    for seen in world.tasks:
        yield from _of_task(seen, ended=True)
    yield from _said_by_us(world)


def _said_by_people(world: World) -> Iterator[Step]:
    for thread in (*world.repository.issues, *world.repository.pulls):
        for remark in thread.comments:
            if remark.author != world.place.bot_login:
                words = remark.body.strip().partition("\n")[0]
                text = f"{remark.author} comments on #{thread.number}: {words}"
                yield Step(("comment", remark.id), "💬", text)


def _of_task(seen: TaskSeen, *, ended: bool) -> Iterator[Step]:
    """The timeline, either the ends of attempts or all else but the percents between states."""
    for one in seen.happened:
        if one.type not in {"progress", "usage"} and ended == (one.data.get("status") in ENDS):
            mark = {"success": "✅", "error": "❌", "warning": "⚠️ "}.get(one.type, "⚙️ ")
            yield Step(("event", one.id), mark, f"{seen.task.name}: {one.message}")


def _said_by_us(world: World) -> Iterator[Step]:
    for thread in (*world.repository.issues, *world.repository.pulls):
        for remark in thread.comments:
            for reaction in remark.reactions:
                if reaction.user == world.place.bot_login and reaction.content == "eyes":
                    text = f"Bellhop reacts to {remark.author}'s comment"
                    yield Step(("eyes", remark.id), "👀", text)
        for remark in world.ours(thread):
            yield from _our_comment(thread, remark)


def _our_comment(thread: Thread, remark: Remark) -> Iterator[Step]:
    words = remark.body.strip().partition("\n")[0]
    if not remark.is_status:
        text = f"Bellhop comments on #{thread.number}: {words}"
        yield Step(("comment", remark.id), "🔗", text)
        return
    text = f"Bellhop's status comment is on #{thread.number}; it is edited as work goes on"
    yield Step(("comment", remark.id), "📋", text)
    if words.startswith(END_MARKS):
        yield Step(("status", remark.id, words), "📋", f"The status comment ends: {words}")


def _pulls(world: World) -> Iterator[Step]:
    for pull in world.repository.pulls:
        closes = " and ".join(f"#{number}" for number in pull.closes)
        text = f"Pull request #{pull.number} “{pull.title}”"
        yield Step(("pull", pull.number), "🔀", f"{text}, closes {closes}" if closes else text)
        if pull.merged:
            yield Step(("merged", pull.number), "🎉", f"Pull request #{pull.number} is merged")


def missing(world: World, asked: int) -> tuple[str, ...]:
    """What a completed `/fix` should have left on GitHub and did not; `asked` is its comment."""
    issue = world.issue
    eyes = {("eyes", asked)} & {step.key for step in steps(world)}
    status = [one for one in world.ours(issue) if one.is_status]
    pull = next((one for one in world.repository.pulls if issue.number in one.closes), None)
    linking = [
        one
        for one in world.ours(issue)
        if not one.is_status and pull is not None and pull.url in one.body
    ]
    ours = [one for one in world.commits.values() if one.author == world.place.bot_login]
    checks = (
        (bool(eyes), "the reaction to the comment"),
        (len(status) == 1, f"one status comment (there are {len(status)})"),
        (bool(ours), "a branch with a commit of Bellhop's"),
        (pull is not None, "a pull request that closes the issue"),
        (len(linking) == 1, f"one comment with the link (there are {len(linking)})"),
    )
    return tuple(what for there, what in checks if not there)
