"""A worker, or its runner, said something."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from handlers.admission import may_start
from handlers.decision import NOTHING, Answer, Decision, Entry, View
from handlers.effects import EditStatus, Launch, OpenPullRequest, RevokeTokens
from handlers.ending import TIDY, begin, finish, key_of, removal, status_edit
from handlers.events import (
    BranchSeen,
    Launched,
    LaunchFailed,
    OfLaunch,
    PermissionLost,
    PlaceOffered,
    PullRequestFailed,
    PullRequestReady,
    PushBegun,
    Pushed,
    PushFailed,
    StatusCommented,
    WorkerClaimed,
    WorkerCompleted,
    WorkerExited,
    WorkerGone,
    WorkerReported,
)
from handlers.task import BUSY, Ending, PullRequest, Status, Task, advance, saying
from handlers.values import Clocks, ErrorCode, TaskError, Usage

FIRST_CALL = timedelta(minutes=5)
SILENCE = timedelta(minutes=2)
WARN_AT = 0.8
"""The share of the time limit after which task and worker are warned."""
LAUNCH_WAITS = (2.0, 8.0, 30.0)
"""Seconds before a failed launch is tried again; after the last one the task fails."""
ANSWERED_FOR = timedelta(hours=24)
"""How long a worker of an ended attempt still hears that it has ended."""


def on_place(view: View, event: PlaceOffered, now: datetime) -> Decision:
    """Take a free place: claimed here, inside the transaction that counted the places."""
    task = view.task
    if task is None or task.status is not Status.QUEUED:
        return NOTHING
    if not may_start(task, view.load, view.rules):
        return NOTHING
    starting = advance(
        task, Status.STARTING, now, state="starting", message="starting a worker", clocks=Clocks()
    )
    del event
    key = key_of(starting, f"{starting.launch}/launch")
    launch = Launch(key, task.id, task.attempt, task.launch)
    entry = Entry("status", "starting a worker", {"status": "starting"})
    return Decision(starting, (launch, status_edit(starting)), (entry,))


def on_launch(
    view: View, event: Launched | LaunchFailed | PermissionLost, now: datetime
) -> Decision:
    """What became of a launch."""
    task = _current(view, event)
    if task is None or task.status not in BUSY:
        return _tidy_away(view, event)
    match event:
        case Launched():
            if task.status is Status.RUNNING or task.ending:
                return NOTHING
            clocks = replace(task.clocks, first_call_by=now + FIRST_CALL)
            return Decision(replace(task, clocks=clocks, updated_at=now))
        case PermissionLost():
            if task.opening:
                return NOTHING
            if task.ending:
                return finish(view, task, task.ending, now)
            error = TaskError(
                ErrorCode.NOT_PERMITTED,
                f"{task.requester.login} may no longer use /{task.wish.command} here",
                remedy="Ask somebody with the role to write the command.",
                retryable=False,
            )
            return finish(view, task, Ending(Status.FAILED, error), now)
        case LaunchFailed():
            return _launch_failed(view, task, event, now)
        case _:
            assert_never(event)


def _tidy_away(view: View, event: OfLaunch) -> Decision:
    """A worker was started that nobody waits for any more: it goes."""
    task = view.task
    if task is None or not isinstance(event, Launched):
        return NOTHING
    then = replace(task, attempt=event.attempt, launch=event.launch)
    return Decision(effects=(removal(then, 0.0),))


def _launch_failed(view: View, task: Task, event: LaunchFailed, now: datetime) -> Decision:
    if task.status is Status.RUNNING:
        return NOTHING
    if task.ending:
        return finish(view, task, task.ending, now)
    if not event.retryable or task.launch_failures >= len(LAUNCH_WAITS):
        error = TaskError(
            event.code,
            "the worker could not be started",
            event.detail,
            "An operator finds more in the log and with `bellhop doctor`.",
        )
        return finish(view, task, Ending(Status.FAILED, error), now)
    wait = timedelta(seconds=LAUNCH_WAITS[task.launch_failures])
    again = advance(
        task,
        Status.QUEUED,
        now,
        state="waiting_to_launch",
        message=event.detail,
        launch=task.launch + 1,
        launch_failures=task.launch_failures + 1,
        clocks=Clocks(retry_at=now + wait),
    )
    entry = Entry("warning", f"the launch failed: {event.detail}", {"status": "queued"})
    undone = RevokeTokens(key_of(task, f"{task.launch}/revoke"), task.id, task.attempt, task.launch)
    return Decision(again, (removal(task, 0.0), undone, status_edit(again)), (entry,))


def on_branch(view: View, event: BranchSeen) -> Decision:
    """People may have pushed to the branch while the task waited: the worker starts from there."""
    task = _current(view, event)
    if task is None or task.status is not Status.STARTING or task.branches.head == event.head:
        return NOTHING  # once a worker pushes, what was seen before it counts no more
    return Decision(replace(task, branches=replace(task.branches, head=event.head, pushing=None)))


def on_claim(view: View, event: WorkerClaimed, now: datetime) -> Decision:
    """The first worker that asks has the attempt."""
    task = _current(view, event)
    if task is None or _long_over(task, now):
        return Decision(answer=Answer.STALE)
    if task.ended or task.ending or task.outcome or task.status is Status.QUEUED:
        return Decision(answer=Answer.ENDED)
    if task.status is Status.RUNNING:
        same = task.instance == event.instance
        return Decision(answer=Answer.OK if same else Answer.CLAIMED)
    limit = timedelta(seconds=task.wish.time_limit)
    running = advance(
        task,
        Status.RUNNING,
        now,
        state="cloning",
        message="",
        instance=event.instance,
        started_at=now,
        clocks=Clocks(heard_by=now + SILENCE, warn_at=now + limit * WARN_AT, deadline=now + limit),
    )
    entry = Entry("status", "a worker has begun", {"status": "running"})
    return Decision(running, (status_edit(running),), (entry,))


def on_report(view: View, event: WorkerReported, now: datetime) -> Decision:
    """A heartbeat, perhaps with news."""
    task = _current(view, event)
    if task is None or _long_over(task, now):
        return Decision(answer=Answer.STALE)
    if task.status is not Status.RUNNING or task.outcome:
        return Decision(answer=Answer.ENDED)
    warning = None if event.acknowledged else task.warning
    heard = replace(task, updated_at=now, warning=warning)
    if not task.ending:
        heard = replace(heard, clocks=replace(task.clocks, heard_by=now + SILENCE))
    news, entries = _news(heard, event, now)
    if _too_dear(news) and not task.ending:
        error = TaskError(
            ErrorCode.COST_LIMIT,
            f"the cost limit of ${news.wish.max_cost:.2f} is reached",
            remedy="Ask again with a higher `--max-cost`, or for less.",
        )
        over = begin(news, Ending(Status.FAILED, error), now)
        return replace(over, timeline=(*entries, *over.timeline))
    edits: tuple[EditStatus, ...] = (status_edit(news),) if entries else ()
    return Decision(news, edits, entries)


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
    if event.usage is not None and event.usage != task.usage:
        task = replace(task, usage=event.usage)
        entries.append(Entry("usage", f"${event.usage.cost_usd:.2f}"))
    return task, tuple(entries)


def on_complete(view: View, event: WorkerCompleted, now: datetime) -> Decision:
    """The first completion wins."""
    task = _current(view, event)
    if task is None or _long_over(task, now):
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
        usage=event.usage or task.usage,
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
        return finish(view, task, _pr_failed("it names another branch than the task's"), now)
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


def on_pull_request(
    view: View, event: PullRequestReady | PullRequestFailed, now: datetime
) -> Decision:
    """The pull request is there, or GitHub would not have it."""
    task = view.task
    if task is None or task.attempt != event.attempt or not task.opening:
        return NOTHING
    match event:
        case PullRequestReady(number=number, url=url, state=state):
            opened = replace(task.branches, pushed=task.branches.pushed or task.pull is None)
            there = replace(task, pull=PullRequest(number, url, state), branches=opened)
            return finish(view, there, Ending(Status.COMPLETED), now)
        case PullRequestFailed(detail=detail):
            return finish(view, task, _pr_failed(detail), now)
        case _:
            assert_never(event)


def _pr_failed(detail: str) -> Ending:
    remedy = "Open the pull request by hand from the branch, or ask again."
    error = TaskError(ErrorCode.PR_FAILED, "the pull request could not be opened", detail, remedy)
    return Ending(Status.FAILED, error)


def on_exit(view: View, event: WorkerExited, now: datetime) -> Decision:
    """A worker ended. After its completion that is as it should be."""
    task = _current(view, event)
    if task is None or task.status not in BUSY or task.outcome:
        return _gone_after_stop(view, task, now)
    if task.ending:
        return finish(view, task, task.ending, now)
    how = "vanished" if event.code is None else f"ended with code {event.code}"
    if task.status is Status.STARTING:
        detail = f"the worker {how} before its first call"
        failed = LaunchFailed(task.id, task.attempt, task.launch, detail)
        return _launch_failed(view, task, failed, now)
    return lose(view, task, f"the worker {how}", now)


def on_gone(view: View, event: WorkerGone, now: datetime) -> Decision:
    """A worker that was to stop is no more."""
    return _gone_after_stop(view, _current(view, event), now)


def _gone_after_stop(view: View, task: Task | None, now: datetime) -> Decision:
    if task is None or task.status not in BUSY or task.ending is None:
        return NOTHING
    return finish(view, task, task.ending, now)


def lose(view: View, task: Task, detail: str, now: datetime) -> Decision:
    """A worker is lost: once the task waits for another one, the second time it fails."""
    if task.lost:
        remedy = "See the task's log for its last words; an operator can look at the runner."
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


def on_push(view: View, event: PushBegun | Pushed | PushFailed, now: datetime) -> Decision:
    """The push gate sends a push on, or has."""
    task = view.task if isinstance(event, Pushed) else _current(view, event)
    if task is None:
        return Decision(answer=Answer.STALE)
    branches = task.branches
    match event:
        case PushBegun(new=new):
            if task.status is not Status.RUNNING or task.ending or task.outcome:
                return Decision(answer=Answer.ENDED)
            pushing = saying(task, "pushing", "", now)
            entry = Entry("status", f"pushing {new[:12]}", {"state": "pushing"})
            return Decision(replace(pushing, branches=replace(branches, pushing=new)), (), (entry,))
        case Pushed(new=new):
            # What GitHub took is so, even if the attempt is over by now.
            mine = branches.pushed or _current(view, event) is not None
            moved = replace(branches, head=new, pushing=None, pushed=mine)
            entry = Entry("info", f"pushed {new[:12]} to {branches.name}", {"head": new})
            return Decision(replace(task, branches=moved, updated_at=now), (), (entry,))
        case PushFailed(detail=detail):
            kept = replace(task, branches=replace(branches, pushing=None), updated_at=now)
            return Decision(kept, (), (Entry("warning", f"a push was refused: {detail}"),))
        case _:
            assert_never(event)


def on_status_comment(view: View, event: StatusCommented, now: datetime) -> Decision:
    """The status comment exists: from now on it is edited."""
    del now
    if view.task is None or view.task.status_comment == event.comment_id:
        return NOTHING
    return Decision(replace(view.task, status_comment=event.comment_id))


def _long_over(task: Task, now: datetime) -> bool:
    return task.completed_at is not None and now - task.completed_at > ANSWERED_FOR


def _current(view: View, event: OfLaunch) -> Task | None:
    task = view.task
    return task if task and task.is_current(event.attempt, event.launch) else None
