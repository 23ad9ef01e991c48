"""`/tasks/new`: a form that asks for a task, as `POST /api/tasks` does for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web
from uuid_utils import uuid7

from bot.github.as_user import AsUser
from bot.github.personal import OwnRepository
from bot.http import pages
from bot.http.access import Doorman
from bot.http.as_user_lookups import looking_up_as_user
from bot.http.caller import Caller
from bot.http.github_links import GitHubLinks
from bot.http.github_search import LONGEST, repositories_like
from bot.http.ids import is_id
from bot.http.page_sign_in import sign_in_link
from bot.http.problems import Problem
from bot.http.task_form import Errors, WrongFields, errors_of, task_of, typed_in
from bot.http.tasks_make import TaskMaker, digest_of

PATH = "/tasks/new"
MOST = 100
"""Repositories of the list; a search finds the others."""
LABELS = {
    "repository": "Repository",
    "issue": "Issue or pull request",
    "prompt": "What is to be done",
    "command": "What Bellhop does",
    "branch": "Branch to start from",
    "agent": "Agent",
    "model": "Model",
    "minutes": "Time limit in minutes",
    "max_cost": "Most that it may cost, in US dollars",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """The repositories to choose from: `found` of `total` match what was searched for.

    `problem` tells why they cannot be told at the moment; not `complete` where GitHub told of some
    only.
    """

    repositories: Sequence[OwnRepository] = ()
    found: int = 0
    total: int = 0
    complete: bool = False
    problem: Problem | None = None

    @property
    def listed(self) -> bool:
        """Whether there is a list to choose from; without one a name is typed."""
        return self.total > 0

    @property
    def none_at_all(self) -> bool:
        """Whether it is sure that there are none."""
        return not self.total and self.complete

    def has(self, name: str) -> bool:
        """Whether a repository is in the list."""
        return any(one.full_name.lower() == name.lower() for one in self.repositories)


@dataclass(frozen=True, slots=True)
class NewTaskPage:
    """Shows the form and takes it. `agents` can be chosen, the first is the usual one."""

    doorman: Doorman
    as_user: AsUser
    maker: TaskMaker
    links: GitHubLinks
    agents: Sequence[str]
    time_limit: int
    """Seconds that a task gets where nobody says anything."""

    def register(self, app: web.Application) -> None:
        """Serve the page."""
        pages.add(app, "GET", PATH, self._blank)
        pages.add(app, "POST", PATH, self._take)

    async def _blank(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        typed = {**typed_in({}), "command": "fix"}
        typed |= {name: request.query.get(name, "")[:LONGEST] for name in ("repository", "issue")}
        choices = await self._choices(caller, request.query.get("q", "")[:LONGEST])
        return self._show(request, _Filled(typed, choices, str(uuid7())))

    async def _take(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        fields = await self.doorman.forms.read(request, caller)
        typed, once = typed_in(fields), _once(fields)
        try:
            new = task_of(typed)
            # The same form sent twice makes one task; sent with something changed, another one.
            made = await self.maker.make(request, caller, new, f"\t{once} {digest_of(new)}")
        except WrongFields as wrong:
            choices = await self._choices(caller, "")
            return self._show(request, _Filled(typed, choices, once, wrong.errors), 422)
        except Problem as problem:
            return await self._refused(request, caller, typed, once, problem)
        return pages.see_other(made.location.removeprefix("/api"))

    async def _refused(
        self,
        request: web.Request,
        caller: Caller,
        typed: Mapping[str, str],
        once: str,
        problem: Problem,
    ) -> web.Response:
        """The form once more, with what was typed and why it was not taken."""
        silent = problem.status == HTTPStatus.SERVICE_UNAVAILABLE
        choices = Choices(problem=problem) if silent else await self._choices(caller, "")
        errors = errors_of(problem.errors)
        filled = _Filled(typed, choices, once, errors, None if errors else problem.detail)
        answer = self._show(request, filled, problem.status)
        answer.headers.update(problem.headers)
        return answer

    def _show(self, request: web.Request, filled: _Filled, status: int = 200) -> web.Response:
        values: dict[str, Any] = {
            "form": filled,
            "labels": LABELS,
            "search": request.query.get("q", "")[:LONGEST],
            "agents": self.agents,
            "minutes": self.time_limit // 60,
            "install_url": self.links.install(),
            "sign_in_link": sign_in_link(PATH),
        }
        return pages.show(request, "new_task.html", values, status)

    async def _choices(self, caller: Caller, search: str) -> Choices:
        try:
            with looking_up_as_user():
                found = await self.as_user.all_repositories(caller.person, patient=True)
        except Problem as problem:
            return Choices(problem=problem)
        usable = [one for one in found.items if not one.archived]
        wanted = repositories_like(usable, tuple(search.lower().split()))
        return Choices(wanted[:MOST], len(wanted), len(usable), found.complete)


@dataclass(frozen=True, slots=True)
class _Filled:
    """The form as it is shown: what was typed in it, and what is wrong with it.

    `once` tells this showing from another; `problem` is about no field.
    """

    typed: Mapping[str, str]
    choices: Choices
    once: str
    errors: Errors = field(default_factory=dict[str, str])
    problem: str | None = None


def _once(fields: Mapping[str, str]) -> str:
    given = fields.get("once", "")
    return given if is_id(given) else str(uuid7())
