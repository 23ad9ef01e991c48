"""What must hold whatever happens, in whatever order, however often."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from handlers import decide, events
from handlers.circumstances import Circumstances
from handlers.commands import Role
from handlers.decision import Answer, Decision, Load, Rules
from handlers.effects import (
    Comment,
    DeleteTask,
    EditStatus,
    Effect,
    Launch,
    OpenPullRequest,
    React,
    RequestReview,
    RevokeTokens,
    SendWebhook,
    StopWorker,
)
from handlers.on_launch import LAUNCH_WAITS
from handlers.repo_config import RepoConfig
from handlers.task import BUSY, TRANSITIONS, Status, Task
from handlers.values import Clocks, FollowUp, Usage
from tests.makers import ADA, APP, BOB, HEAD, ID, NOON, given, id_of, now_task, view

MOVES = {(move.source, move.target) for move in TRANSITIONS}
INSTANCES = st.sampled_from(["one-instance", "two-instance"])
OUTCOMES = st.sampled_from(["completed", "failed", "cancelled"])
HEADS = st.sampled_from([HEAD, "c" * 40, "d" * 40])
BACK = st.sampled_from([0] * 8 + [1, 2])
"""How far back the attempt or launch of a fact lies: mostly 0, the current one."""


class Lifecycle(RuleBasedStateMachine):
    """One task, to which anything may happen; the database keeps what is decided."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOON
        self.task: Task
        self.wished: dict[str, Effect] = {}
        self.finals: Counter[int] = Counter()
        self.launches: Counter[int] = Counter()
        self.lost: set[int] = set()
        self.outcomes: dict[tuple[int, int], str] = {}
        self.stopped: set[int] = set()
        self.best: dict[int, int] = {}
        self.numbers = 1
        self.messages = 0
        self.last_attempt: int | None = None
        """The attempt in which it was asked to be removed."""
        self.removals = 0

    # --- what happens -----------------------------------------------------------------------------

    @initialize(
        text=st.sampled_from(["/fix it", "/fix --max-cost 2 --time 10m it", "/ask why?"]),
        begins=st.sampled_from([True, True, True, False]),
    )
    def admitted(self, text: str, *, begins: bool) -> None:
        decision = decide(view(), given(text), self.now)
        self.task = replace(now_task(decision), version=1)
        self._wish(decision)
        if begins:
            self.begun()

    @rule(seconds=st.sampled_from([0, 1, 5, 31, 121, 301, 700, 1900, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(free=st.sampled_from([True, True, True, False]))
    def place_offered(self, *, free: bool) -> None:
        due = self.task.clocks.retry_at
        if due is None or due <= self.now:
            self._happens(events.PlaceOffered(ID), load=Load(branch_busy=not free))

    @precondition(lambda self: self.task.status is Status.QUEUED)
    @rule()
    def begun(self) -> None:
        """What usually happens, so that most is played deep inside a life."""
        self.now += timedelta(seconds=31)
        self.place_offered(free=True)
        self.launched(0, 0)
        self.claimed(0, 0, "one-instance")

    @rule(attempt=BACK, launch=BACK)
    def launched(self, attempt: int, launch: int) -> None:
        self._happens(events.Launched(*self._numbers(attempt, launch)))

    @rule(attempt=BACK, launch=BACK, retryable=st.sampled_from([True, True, False]))
    def launch_failed(self, attempt: int, launch: int, *, retryable: bool) -> None:
        numbers = self._numbers(attempt, launch)
        self._happens(events.LaunchFailed(*numbers, "no room", retryable))

    @rule(attempt=BACK, launch=BACK, head=st.none() | HEADS)
    def branch_seen(self, attempt: int, launch: int, head: str | None) -> None:
        self._happens(events.BranchSeen(*self._numbers(attempt, launch), head))

    @rule(attempt=BACK, launch=BACK, instance=INSTANCES)
    def claimed(self, attempt: int, launch: int, instance: str) -> None:
        before = self.task
        decision = self._happens(events.WorkerClaimed(*self._numbers(attempt, launch), instance))
        if decision.answer is Answer.OK:
            assert self.task.instance == instance, "one worker has the attempt"
            assert before.instance in {None, instance}

    @precondition(lambda self: self._is_alive())
    @rule(
        attempt=BACK,
        launch=BACK,
        progress=st.sampled_from([None, 0, 10, 60, 100]),
        state=st.sampled_from([None, "working", "stopping", "opening_pull_request"]),
        cost=st.sampled_from([None, 0.5, 1.5, 2.5]),
        heard=st.sampled_from([0, 0, 1, 20]),
    )
    def reported(
        self,
        attempt: int,
        launch: int,
        *,
        progress: int | None,
        state: str | None,
        cost: float | None,
        heard: int,
    ) -> None:
        usage = None if cost is None else Usage(cost_usd=cost)
        numbers = self._numbers(attempt, launch)
        ids = frozenset(one.id for one in self.task.pending[:heard])
        self._happens(events.WorkerReported(*numbers, progress, state, "…", usage, ids))

    @precondition(lambda self: self._is_alive())
    @rule(attempt=BACK, launch=BACK, status=OUTCOMES, pr_url=st.sampled_from([None, None, "url"]))
    def completed(self, attempt: int, launch: int, status: Any, pr_url: str | None) -> None:
        numbers = self._numbers(attempt, launch)
        canonical = f"{status} {pr_url}"
        ended = self.task.completed_at
        event = events.WorkerCompleted(*numbers, status, canonical, pr_url)
        known = self.outcomes.get(numbers[1:])
        decision = self._happens(event)
        if known is not None and decision.answer is not Answer.STALE:
            right = Answer.OK if known == canonical else Answer.CONFLICT
            assert decision.answer is right, "the first completion wins"
            assert decision.task is None
            assert not decision.effects
        elif decision.answer is Answer.OK:
            self.outcomes[numbers[1:]] = canonical
        if ended and self.now - ended > timedelta(hours=24):
            assert decision.answer is Answer.STALE

    @precondition(lambda self: self._is_alive())
    @rule(attempt=BACK, launch=BACK, code=st.sampled_from([0, 1, None]))
    def exited(self, attempt: int, launch: int, code: int | None) -> None:
        self._happens(events.WorkerExited(*self._numbers(attempt, launch), code))

    @precondition(lambda self: self.task.ending is not None or self._is_alive())
    @rule(attempt=BACK, launch=BACK)
    def gone(self, attempt: int, launch: int) -> None:
        self._happens(events.WorkerGone(*self._numbers(attempt, launch)))

    @precondition(lambda self: self._is_alive())
    @rule(attempt=BACK, launch=BACK, head=HEADS, ends=st.sampled_from(["taken", "refused", "lost"]))
    def pushed(self, attempt: int, launch: int, head: str, ends: str) -> None:
        if self.task.branches.name is None:
            return
        numbers = self._numbers(attempt, launch)
        if self._happens(events.PushBegun(*numbers, head)).answer is not Answer.OK:
            return
        assert self.task.branches.pushing == head
        if ends == "taken":
            self._happens(events.Pushed(*numbers, head))
            assert (self.task.branches.head, self.task.branches.pushing) == (head, None)
        elif ends == "refused":
            self._happens(events.PushFailed(*numbers, head, "no"))
            assert self.task.branches.pushing is None

    @rule(attempt=BACK, ready=st.booleans())
    def pull_request_answered(self, attempt: int, *, ready: bool) -> None:
        number = max(1, self.task.attempt - attempt)
        self._happens(
            events.PullRequestReady(ID, number, 9, "https://github.test/9", "open")
            if ready
            else events.PullRequestFailed(ID, number, "no")
        )

    @rule(comment=st.integers(1, 2))
    def status_commented(self, comment: int) -> None:
        self._happens(events.StatusCommented(ID, comment))

    @precondition(lambda self: self.task.clocks.next() is not None)
    @rule()
    def time_runs_out(self) -> None:
        self.now = max(self.now, self.task.clocks.next() or self.now)
        self.clock_struck()

    @rule()
    def clock_struck(self) -> None:
        due = self.task.clocks.next()
        decision = self._happens(events.ClockStruck(ID))
        if due is None or due > self.now:
            assert decision.task is None, "a clock that has not run out changes nothing"

    @rule()
    def restarted(self) -> None:
        self._happens(events.Restarted(ID))
        for clock in (self.task.clocks.heard_by, self.task.clocks.first_call_by):
            busy = self.task.status in BUSY
            assert clock is None or not busy or clock >= self.now + timedelta(minutes=2)

    @rule(
        what=st.sampled_from(
            [
                events.TargetGone(ID, "the repository was archived"),
                events.IssueClosed(ID),
                events.PermissionLost,
            ]
        )
    )
    def no_longer_wanted(self, what: Any) -> None:
        lost = what is events.PermissionLost
        self._happens(events.PermissionLost(*self._numbers(0, 0)) if lost else what)

    @rule(merged=st.booleans())
    def pull_request_closed(self, *, merged: bool) -> None:
        self._happens(events.PullRequestClosed(ID, merged))

    @precondition(lambda self: self.task.status is Status.RUNNING)
    @rule(status=OUTCOMES)
    def completed_after_a_stop(self, status: Any) -> None:
        self.commanded("/stop")
        self.completed(0, 0, status, "url")

    @precondition(lambda self: self.task.ended)
    @rule()
    def tried_again(self) -> None:
        self.commanded("/retry")
        self.begun()

    @precondition(lambda self: self.task.clocks.retry_at or self.lost)
    @rule()
    def begun_again(self) -> None:
        self.begun()

    @rule(text=st.sampled_from(["/stop", "/retry", "/status"]))
    def commanded(self, text: str) -> None:
        self.numbers += 1
        event = given(text, task_id=id_of(self.numbers), sender=BOB)
        self._happens(event, issue_tasks=(self.task,))

    @rule()
    def told_something_more(self) -> None:
        self.messages += 1
        said = FollowUp(f"m{self.messages}", f"Message {self.messages}.", BOB)
        before = self.task
        found = Circumstances(Role.WRITE, RepoConfig(), "main") if before.ended else None
        decision = self._happens(events.MessageSent(ID, said, found))
        if before.deleting or before.ending:
            assert decision.declined
        elif before.ended and decision.declined is None:
            assert decision.brief
            assert decision.brief.prompt == said.text
        elif decision.declined is None:
            assert said in self.task.pending

    @precondition(lambda self: self.task.status is Status.RUNNING and not self.task.ending)
    @rule(count=st.integers(1, 3), heard=st.integers(0, 3))
    def told_while_it_works(self, count: int, heard: int) -> None:
        for _ in range(count):
            self.told_something_more()
        self.reported(0, 0, progress=None, state=None, cost=None, heard=heard)

    @precondition(lambda self: self.task.status is Status.RUNNING and not self.task.ending)
    @rule(
        pr_url=st.sampled_from(["url", "url", None]),
        meanwhile=st.sampled_from(["told", "told", "longer", "stopped", "removed", "nothing"]),
        ready=st.booleans(),
    )
    def asked_for_while_it_ends(self, pr_url: str | None, meanwhile: str, *, ready: bool) -> None:
        """What comes between the completion and the end: too late for some things, not for all."""
        self.completed(0, 0, "completed", pr_url)
        match meanwhile:
            case "told":
                self.told_something_more()
            case "longer":
                self.given_more_time(600)
            case "stopped":
                self.asked_by_a_program("stop")
            case "removed":
                self.asked_to_go(really=True)
            case _:
                pass
        self.pull_request_answered(0, ready=ready)

    @rule(seconds=st.sampled_from([1, 600, 3000, 90_000]))
    def given_more_time(self, seconds: int) -> None:
        before = self.task
        event = events.ExtensionRequested(ID, seconds)
        decision = self._happens(event, rules=Rules(APP, time_limit=7200))
        if decision.declined is None:
            assert self.task.wish.time_limit == before.wish.time_limit + seconds <= 7200
            assert not before.ended
            assert not before.ending
            assert not before.outcome

    @rule(what=st.sampled_from(["stop", "retry", "retry"]))
    def asked_by_a_program(self, what: str) -> None:
        found = Circumstances(Role.WRITE, RepoConfig(), "main")
        if what == "stop":
            self._happens(events.StopRequested(ID, BOB))
        else:
            self._happens(events.RetryRequested(ID, BOB, found))

    @rule(really=st.sampled_from([False] * 6 + [True]))
    def asked_to_go(self, *, really: bool) -> None:
        """Now and then: not much happens after it."""
        if not really:
            return
        before = self.task
        self._happens(events.DeletionRequested(ID, ADA))
        assert self.task.deleting
        if self.last_attempt is None:
            assert not before.deleting
            self.last_attempt = self.task.attempt

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def after_the_end_no_message_waits(self) -> None:
        assert not (self.task.ended and self.task.pending)

    @invariant()
    def what_is_to_go_ends_and_goes_once(self) -> None:
        assert self.removals == int(self.task.deleting and self.task.ended)
        assert self.last_attempt in {None, self.task.attempt}, "nothing begins after that"

    @invariant()
    def the_deadline_is_the_limit_after_the_start(self) -> None:
        task = self.task
        if task.status is Status.RUNNING and not task.ending and not task.opening:
            assert task.started_at is not None
            assert task.clocks.deadline == task.started_at + timedelta(seconds=task.wish.time_limit)

    @invariant()
    def ended_tasks_have_no_clocks_and_no_pending_end(self) -> None:
        if self.task.ended:
            assert self.task.clocks == Clocks()
            assert self.task.ending is None
            assert self.task.completed_at is not None

    @invariant()
    def working_tasks_are_watched(self) -> None:
        task = self.task
        if task.status is Status.RUNNING and not task.opening:
            watched = task.clocks.gone_by if task.ending else task.clocks.heard_by
            assert watched is not None

    @invariant()
    def only_the_end_is_a_hundred(self) -> None:
        assert (self.task.progress == 100) == (self.task.status is Status.COMPLETED)

    @invariant()
    def progress_never_falls_within_an_attempt(self) -> None:
        best = self.best.get(self.task.attempt, 0)
        assert self.task.progress >= best
        self.best[self.task.attempt] = self.task.progress

    @invariant()
    def each_attempt_that_ended_was_told_of_once(self) -> None:
        for attempt in range(1, self.task.attempt + 1):
            over = attempt < self.task.attempt or self.task.ended
            assert self.finals[attempt] == int(over and attempt not in self.lost)

    @invariant()
    def a_failure_says_why(self) -> None:
        assert (self.task.error is not None) == (self.task.status is Status.FAILED)

    @invariant()
    def no_attempt_is_launched_too_often(self) -> None:
        assert all(count <= len(LAUNCH_WAITS) + 1 for count in self.launches.values())

    @invariant()
    def a_lost_worker_is_replaced_once(self) -> None:
        assert not any({one, one + 1} <= self.lost for one in self.lost)

    def _is_alive(self) -> bool:
        """Whether facts about workers mean anything; now and then they come all the same."""
        return self.task.status in BUSY or self.now.second % 4 == 0

    # --- the database -----------------------------------------------------------------------------

    def _numbers(self, attempt: int, launch: int) -> tuple[str, int, int]:
        return (ID, max(1, self.task.attempt - attempt), max(1, self.task.launch - launch))

    def _happens(self, event: events.Event, **seen: Any) -> Decision:
        decision = decide(view(self.task, **seen), event, self.now)
        if decision.task is not None:
            self._moved(self.task, decision.task)
            self._heard(event, decision, decision.task)
            self.task = replace(decision.task, version=self.task.version + 1)
        if decision.declined is not None:
            assert (decision.task, decision.effects, decision.brief) == (None, (), None)
        self._wish(decision)
        if decision.then is not None:
            self._happens(decision.then)
        return decision

    def _heard(self, event: events.Event, decision: Decision, new: Task) -> None:
        """A message that waits no more was heard, or is asked for, or is said to be dropped."""
        reported = isinstance(event, events.WorkerReported)
        heard = event.acknowledged if reported else frozenset[str]()
        prompt = (decision.brief.prompt if decision.brief else None) or ""
        dropped = {one for entry in decision.timeline for one in entry.data.get("dropped", ())}
        for one in set(self.task.pending) - set(new.pending):
            fates = (one.id in heard, one.text in prompt, one.id in dropped)
            assert sum(fates) == 1, "each message has one fate"
            if one.id in dropped:
                final = new.error is not None and not new.error.retryable
                assert new.status is Status.CANCELLED or final or new.deleting

    def _moved(self, old: Task, new: Task) -> None:
        assert new.id == old.id
        assert new.version == old.version
        assert old.status is new.status or (old.status, new.status) in MOVES
        assert new.attempt - old.attempt in {0, 1}
        if new.attempt > old.attempt and not old.ended:
            self.lost.add(old.attempt)
        if old.ending is None and new.ending is not None:
            self.stopped.add(new.attempt)
        if old.ending is not None and new.status is not old.status:
            assert new.status is old.ending.status, "what was stored as the end is the end"

    def _wish(self, decision: Decision) -> None:
        for effect in decision.effects:
            known = self.wished.get(effect.key)
            assert known is None or known == effect, "a key means one thing"
            if known is None or isinstance(effect, EditStatus):
                self._wished_anew(effect)
            self.wished[effect.key] = effect

    def _wished_anew(self, effect: Effect) -> None:
        match effect:
            case Comment(final=True):
                self.finals[self.task.attempt] += 1
            case Launch(attempt=attempt):
                self.launches[attempt] += 1
                assert not self.task.deleting
                assert self.task.status is Status.STARTING
            case OpenPullRequest(attempt=attempt):
                assert attempt not in self.stopped, "no pull request after a stop"
                assert (attempt, self.task.launch) not in self.outcomes
            case RevokeTokens(attempt=attempt) | StopWorker(attempt=attempt):
                assert attempt <= self.task.attempt
            case DeleteTask():
                self.removals += 1
            case React() | Comment() | EditStatus() | RequestReview() | SendWebhook():
                pass


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
