"""What a worker calls: its assignment, progress, fresh tokens, completion."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import BaseModel

from bot import trail
from bot.agent_keys import AgentKeys, Scrub
from bot.earlier import earlier_attempts
from bot.http import contract
from bot.http.bodies import read_body
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.throttle import Throttle
from bot.http.worker_bodies import (
    Accepted,
    Assignment,
    Completion,
    ErrorReport,
    GitAuthor,
    GitHubToken,
    Message,
    Orders,
    Progress,
    UsageReport,
)
from bot.identity import Identity
from bot.runners.base import WorkerKey
from bot.token_desk import TokenDesk
from bot.worker_tokens import WorkerTokens
from handlers import events
from handlers.context import earlier_context
from handlers.decision import Answer
from handlers.replies import default_title
from handlers.task import Task
from handlers.values import ErrorCode, TaskError, Usage
from storage import Store
from storage.logs import LogLine, Report

OLDEST_LINE = timedelta(days=1)
"""A log line counts as at most so old, and as no newer than it came."""

_INSTANCE = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True)
class CallbackDesk:
    """What the callbacks need."""

    store: Store
    tokens: WorkerTokens
    github_tokens: TokenDesk
    agent_keys: AgentKeys
    identity: Callable[[], Identity]
    clock: Callable[[], datetime]
    worker_url: str
    github_url: str
    agent_command: str | None
    throttle: Throttle = field(default_factory=Throttle)
    contract: int = contract.VERSION

    def register(self, app: web.Application) -> None:
        """Serve the callbacks."""
        add_route(app, "GET", "/callbacks/task", self._task)
        add_route(app, "POST", "/callbacks/progress", self._progress)
        add_route(app, "POST", "/callbacks/token", self._token)
        add_route(app, "POST", "/callbacks/complete", self._complete)

    async def _task(self, request: web.Request) -> web.Response:
        key = self._launch(request)
        instance = request.headers.get("Bellhop-Instance", "")
        if not _INSTANCE.fullmatch(instance):
            raise Problem(400, "Send a Bellhop-Instance header: 8 to 64 letters or digits.")
        event = events.WorkerClaimed(*_numbers(key), instance)
        decision = await self.store.apply(event, self.clock())
        _check(decision.answer)
        return _json(await self._assignment(key, self._spoken(request)))

    async def _assignment(self, key: WorkerKey, version: int) -> Assignment:
        brief = await self.store.brief(key.task_id)
        if brief is None or not brief.task.is_current(key.attempt, key.launch):
            raise _stale()
        task = brief.task
        attempt = next(one for one in brief.attempts if one.attempt == key.attempt)
        talk = await self.store.talk(key.task_id)
        before = earlier_context(earlier_attempts(brief, talk))
        token = await self.github_tokens.current(task)
        name, email = self.identity().commit_author
        branches = task.branches
        push_url = f"{self.worker_url}/api/git/{task.id}" if branches.name else None
        return Assignment(
            contract_version=version,
            task_id=task.id,
            name=task.name,
            attempt=task.attempt,
            command=task.wish.command,
            title=default_title(task),
            prompt=attempt.prompt,
            context="\n\n".join(part for part in (attempt.context, before) if part),
            repository=task.where.repository,
            issue_number=task.where.number,
            clone_url=f"{self.github_url}/{task.where.repository}.git",
            base_branch=branches.base,
            head_branch=branches.name,
            head_sha=branches.head,
            config_from=branches.config_from,
            push_url=push_url,
            github_token=GitHubToken(token=token.token, expires_at=token.expires_at),
            commit_author=GitAuthor(name=name, email=email),
            co_authors=[_co_author(task)],
            skip_ci=task.skip_ci,
            agent=task.wish.agent,
            agent_command=self.agent_command if task.wish.agent == "command" else None,
            model=task.wish.model,
            credentials=await self.agent_keys.variables(task),
            time_limit=task.wish.time_limit,
            deadline=_deadline(task),
            max_cost=task.wish.max_cost,
        )

    async def _progress(self, request: web.Request) -> web.Response:
        key = self._launch(request)
        report = await read_body(request, Progress)
        scrub = await self.agent_keys.scrub(key)
        now = self.clock()
        event = events.WorkerReported(
            *_numbers(key),
            progress=report.progress,
            state=report.state,
            message=_maybe(scrub, report.message),
            usage=_usage(report.usage),
            acknowledged=frozenset(report.acknowledged),
        )
        decision = await self.store.apply(event, now)
        _check(decision.answer)
        if decision.task is None:
            raise _stale()
        lines = [
            LogLine(one.type, scrub(one.message), _told_at(one.timestamp, now))
            for one in report.logs
        ]
        task = decision.task
        number = None if report.report is None else Report(task.instance or "", report.report)
        await self.store.logs.append(key.task_id, key.attempt, lines, number)
        told = [Message(id=events.TIME_WARNING, text=task.warning)] if task.warning else []
        told += [Message(id=one.id, text=one.text) for one in task.heard]
        orders = Orders(stop=task.ending is not None, deadline=_deadline(task), messages=told)
        return _json(orders)

    async def _token(self, request: web.Request) -> web.Response:
        key = self._launch(request)
        task = await self.store.task(key.task_id)
        if task is None or not task.is_current(key.attempt, key.launch):
            raise _stale()
        if task.ended or task.outcome or task.ending:
            raise _ended()
        token = await self.github_tokens.current(task)
        return _json(GitHubToken(token=token.token, expires_at=token.expires_at))

    async def _complete(self, request: web.Request) -> web.Response:
        key = self._launch(request)
        report = await read_body(request, Completion)
        if report.task_id != key.task_id:
            raise Problem(422, "taskId is not the task of this token.")
        scrub = await self.agent_keys.scrub(key)
        event = events.WorkerCompleted(
            *_numbers(key),
            status=report.status,
            canonical=canonical(report),
            pr_url=report.pr_url,
            branch=report.branch,
            title=_maybe(scrub, report.title),
            body=_maybe(scrub, report.body),
            summary=_maybe(scrub, report.summary),
            error=_error(scrub, report.error),
            usage=_usage(report.usage),
        )
        decision = await self.store.apply(event, self.clock())
        _check(decision.answer)
        task = decision.task or await self.store.task(key.task_id)
        if task is None:
            raise _stale()
        return _json(Accepted(status=task.status.value))

    def _launch(self, request: web.Request) -> WorkerKey:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        key = self.tokens.read(token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise Problem(
                401,
                "Send the worker's token as `Authorization: Bearer …`.",
                code="unauthorized",
                headers={"WWW-Authenticate": "Bearer"},
            )
        trail.of_task(key.task_id)
        self.throttle.count(key)
        self._spoken(request)
        return key

    def _spoken(self, request: web.Request) -> int:
        return contract.spoken(request.headers.get(contract.HEADER), self.contract)


def canonical(report: Completion) -> str:
    """By which two completions are compared: what they say of the outcome, in one spelling.

    The SHA-256 of the canonical JSON, so that nothing of it is kept that was not looked at for
    secrets.
    """
    said = report.model_dump(include={"status", "pr_url", "branch", "summary", "error"})
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _maybe(scrub: Scrub, text: str | None) -> str | None:
    return None if text is None else scrub(text)


def _error(scrub: Scrub, error: ErrorReport | None) -> TaskError | None:
    if error is None:
        return None
    code, texts = ErrorCode(error.code), (error.title, error.detail, error.remedy)
    return TaskError(code, *map(scrub, texts), retryable=error.retryable)


def _told_at(timestamp: datetime | None, now: datetime) -> datetime:
    """When a line was written: a worker's clock may be wrong, and logs are kept by these times."""
    return now if timestamp is None else min(max(timestamp, now - OLDEST_LINE), now)


def _numbers(key: WorkerKey) -> tuple[str, int, int]:
    return key.task_id, key.attempt, key.launch


def _usage(report: UsageReport | None) -> Usage | None:
    if report is None:
        return None
    return Usage(report.input_tokens, report.output_tokens, report.cost_usd)


def _deadline(task: Task) -> datetime:
    return (task.started_at or task.queued_at) + timedelta(seconds=task.wish.time_limit)


def _co_author(task: Task) -> GitAuthor:
    who = task.requester
    return GitAuthor(name=who.login, email=f"{who.id}+{who.login}@users.noreply.github.com")


def _check(answer: Answer) -> None:
    match answer:
        case Answer.OK:
            return
        case Answer.STALE:
            raise _stale()
        case Answer.ENDED:
            raise _ended()
        case Answer.CLAIMED:
            raise Problem(409, "Another worker has this attempt: end now.", code="claimed")
        case Answer.CONFLICT:
            raise Problem(
                409, "Another outcome was reported first, and it stands.", code="conflict"
            )


def _stale() -> Problem:
    return Problem(
        401, "This token is of an older attempt or launch: end now.", code="unauthorized"
    )


def _ended() -> Problem:
    return Problem(409, "This attempt has ended: end now.", code="ended")


def _json(model: BaseModel) -> web.Response:
    text = model.model_dump_json(by_alias=True)
    return web.Response(text=text, content_type="application/json")
