"""A worker at work, or its runner, said something."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from handlers.decision import NOTHING, Answer, Decision, Entry, View
from handlers.effects import EditStatus, OpenPullRequest, RevokeTokens
from handlers.ending import TIDY, begin, finish, key_of, removal, status_edit
from handlers.events import (
    TIME_WARNING,
    LaunchFailed,
    StatusCommented,
    WorkerCompleted,
    WorkerExited,
    WorkerGone,
    WorkerReported,
)
from handlers.launches import SILENCE, current, long_over
from handlers.on_launch import launch_failed
from handlers.on_push import pr_failed
from handlers.task import BUSY, Ending, Status, Task, advance, saying
from handlers.values import Clocks, ErrorCode, TaskError, Usage


def on_report(view: View, event: WorkerReported, now: datetime) -> Decision:
    """A heartbeat, perhaps with news."""
    task = current(view, event)
    if task is None or long_over(task, now):
        return Decision(answer=Answer.STALE)
    if task.status is not Status.RUNNING or task.outcome:
        return Decision(answer=Answer.ENDED)
    warning = None if TIME_WARNING in event.acknowledged else task.warning
    unheard = tuple(one for one in task.pending if one.id not in event.acknowledged)
    heard = replace(task, updated_at=now, warning=warning, pending=unheard)
    if not task.ending:
        heard = replace(heard, clocks=replace(task.clocks, heard_by=now + SILENCE))
    news, entries = _news(heard, event, now)
    edits: tuple[EditStatus, ...] = (status_edit(news),) if entries else ()
    entries += _acknowledged(task, heard)
    if _too_dear(news) and not task.ending:
        error = TaskError(
            ErrorCode.COST_LIMIT,
            f"the cost limit of ${news.wish.max_cost:.2f} is reached",
            remedy="Ask again with a higher `--max-cost`, or for less.",
        )
        over = begin(news, Ending(Status.FAILED, error), now)
        return replace(over, timeline=(*entries, *over.timeline))
    return Decision(news, edits, entries)


def _acknowledged(before: Task, after: Task) -> tuple[Entry, ...]:
    """The line that says which messages the worker has dealt with."""
    ids = [one.id for one in before.pending if one not in after.pending]
    if not ids:
        return ()
    told = "a message" if len(ids) == 1 else f"{len(ids)} messages"
    return (Entry("info", f"the worker has dealt with {told}", {"acknowledged": ids}),)


def _too_dear(task: Task) -> bool:
    return task.wish.max_cost is not None and task.usage.cost_usd > task.wish.max_cost


def _news(task: Task, event: WorkerReported, now: datetime) -> tuple[Task, tuple[Entry, ...]]:
    """What a report changes. Progress never falls, and only the end is 100."""
    entries: list[Entry] = []
    progress = min(99, event.progress if event.progress is not None else 0)
    if progress > task.progress:
        task = replace(task, progress=progress)
        entries.append(Entry("progress", f"{progress} %", {"progress": progress}))
    said = (event.state or task.state.state, task.state.message)
    if event.message is not None or event.state is not None:
        said = (said[0], event.message if event.message is not None else "")
    if not task.ending and said != (task.state.state, task.state.message):
        task = saying(task, *said, now)
        entries.append(Entry("status", said[1] or said[0], {"state": said[0]}))
    usage = task.usage.grown(event.usage)
    if usage != task.usage:
        task = replace(task, usage=usage)
        entries.append(Entry("usage", f"${usage.cost_usd:.2f}"))
    return task, tuple(entries)


def on_complete(view: View, event: WorkerCompleted, now: datetime) -> Decision:
    """The first completion wins."""
    task = current(view, event)
    if task is None or long_over(task, now):
        return Decision(answer=Answer.STALE)
    if task.outcome is not None:
        same = task.outcome == event.canonical
        return Decision(answer=Answer.OK if same else Answer.CONFLICT)
    if task.ended or task.status is not Status.RUNNING:
        return Decision(answer=Answer.ENDED)
    told = replace(
        task,
        outcome=event.canonical,
        summary=event.summary,
        title=event.title,
        body=event.body,
        usage=task.usage.grown(event.usage),
        updated_at=now,
    )
    if task.ending:  # a stop was stored: whatever the worker says, it ends as that
        return Decision(told)
    match event.status:
        case "completed":
            return _completed(view, told, event, now)
        case "cancelled":
            return finish(view, told, Ending(Status.CANCELLED, by="its worker"), now)
        case "failed":
            error = event.error or TaskError(ErrorCode.WORKER_FAILED, "the agent failed")
            return finish(view, told, Ending(Status.FAILED, error), now)
        case _:
            assert_never(event.status)


def _completed(view: View, task: Task, event: WorkerCompleted, now: datetime) -> Decision:
    if event.branch and event.branch != task.branches.name:
        return finish(view, task, pr_failed("it names another branch than the task's"), now)
    if not _has_something_to_open(task) and not event.pr_url:
        return finish(view, task, Ending(Status.COMPLETED), now)
    opening = replace(saying(task, "opening_pull_request", "", now), clocks=Clocks())
    effect = OpenPullRequest(key_of(task, "pull"), task.id, task.attempt, event.pr_url)
    entry = Entry("status", "opening the pull request", {"state": "opening_pull_request"})
    return Decision(opening, (effect, removal(task, TIDY), status_edit(opening)), (entry,))


def _has_something_to_open(task: Task) -> bool:
    """Whether commits wait for a pull request: of this attempt, or of one whose opening failed."""
    branches = task.branches
    forgotten = task.pull is None and branches.head is not None and not task.where.is_pull_request
    return branches.pushed or branches.pushing is not None or forgotten


def on_exit(view: View, event: WorkerExited, now: datetime) -> Decision:
    """A worker ended. After its completion that is as it should be."""
    task = current(view, event)
    if task is None or task.status not in BUSY or task.outcome:
        return _gone_after_stop(view, task, now)
    if task.ending:
        return finish(view, task, task.ending, now)
    how = "vanished" if event.code is None else f"ended with code {event.code}"
    if task.status is Status.STARTING:
        detail = f"the worker {how} before its first call"
        failed = LaunchFailed(task.id, task.attempt, task.launch, detail)
        return launch_failed(view, task, failed, now)
    return lose(view, task, f"the worker {how}", now)


def on_gone(view: View, event: WorkerGone, now: datetime) -> Decision:
    """A worker that was to stop is no more."""
    return _gone_after_stop(view, current(view, event), now)


def _gone_after_stop(view: View, task: Task | None, now: datetime) -> Decision:
    if task is None or task.status not in BUSY or task.ending is None:
        return NOTHING
    return finish(view, task, task.ending, now)


def lose(view: View, task: Task, detail: str, now: datetime) -> Decision:
    """A worker is lost: once the task waits for another one, the second time it fails."""
    if task.lost:
        remedy = f"Bellhop's own log, which its operator reads, says more of `{task.name}`."
        error = TaskError(ErrorCode.WORKER_LOST, "its worker was lost twice", detail, remedy)
        return finish(view, task, Ending(Status.FAILED, error), now)
    again = advance(
        task,
        Status.QUEUED,
        now,
        state="waiting_for_slot",
        message=f"{detail}; it is started again",
        attempt=task.attempt + 1,
        launch=1,
        launch_failures=0,
        lost=True,
        instance=None,
        warning=None,
        progress=0,
        usage=Usage(),
        queued_at=now,
        started_at=None,
        clocks=Clocks(),
        branches=replace(task.branches, pushing=None),
    )
    entry = Entry("warning", f"{detail}; started again", {"status": "queued"})
    revoked = RevokeTokens(key_of(task, "revoke"), task.id, task.attempt, task.launch)
    return Decision(again, (removal(task, 0.0), revoked, status_edit(again)), (entry,))


def on_status_comment(view: View, event: StatusCommented, now: datetime) -> Decision:
    """The status comment exists: from now on it is edited."""
    del now
    if view.task is None or view.task.status_comment == event.comment_id:
        return NOTHING
    return Decision(replace(view.task, status_comment=event.comment_id))
