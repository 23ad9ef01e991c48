"""`/api/github/…`: what somebody who has signed in sees of GitHub, through their own token."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bot.github.as_user import AsUser
from bot.github.personal import OpenIssue
from bot.github.questions import Many
from bot.http.answers import json_answer
from bot.http.as_user_lookups import looking_up_as_user
from bot.http.caller import Caller
from bot.http.cursors import cursor_of_name, name_in
from bot.http.github_bodies import (
    InstallationBody,
    InstallationList,
    IssueBody,
    IssueList,
    OrgBody,
    OrgList,
    ProfileBody,
    RepositoryBody,
    RepositoryList,
    Summary,
    WholeIssue,
)
from bot.http.github_search import issues_like, number_meant, repositories_like, words_in
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.http.task_bodies import task_body
from bot.http.task_narrowing import narrow
from bot.http.task_queries import Asked, number_of
from bot.http.task_sight import TaskSight
from handlers.search import Search
from handlers.task import Status

USUAL, MOST = 30, 100
"""Repositories or issues of a page."""
MOST_TASKS = 10
"""Tasks of a summary."""

ACTIVE = frozenset({Status.QUEUED, Status.STARTING, Status.RUNNING})

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GitHubDesk:
    """Tells people what they see; `install_url` is where the App is installed."""

    sight: TaskSight
    as_user: AsUser
    install_url: Callable[[], str]
    web_url: str

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/github/summary", self._summary)
        add_route(app, "GET", "/github/profile", self._profile)
        add_route(app, "GET", "/github/orgs", self._orgs)
        add_route(app, "GET", "/github/installations", self._installations)
        add_route(app, "GET", "/github/repositories", self._repositories)
        add_route(app, "GET", "/github/issues/{owner}/{repo}", self._issues)
        add_route(app, "GET", "/github/issues/{owner}/{repo}/{number}", self._issue)

    async def _caller(self, request: web.Request) -> Caller:
        return await self.sight.doorman.caller(request, "session")

    async def _profile(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        with looking_up_as_user():
            return json_answer(ProfileBody.of(await self.as_user.profile(caller.person)))

    async def _orgs(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        with looking_up_as_user():
            found = await self.as_user.orgs(caller.person)
        return json_answer(
            OrgList(orgs=[OrgBody.of(one) for one in found.items], complete=found.complete)
        )

    async def _installations(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        with looking_up_as_user():
            found = await self.as_user.installations(caller.person)
        told = InstallationList(
            installations=[InstallationBody.of(one) for one in found.items],
            complete=found.complete,
            install_url=self.install_url(),
        )
        return json_answer(told)

    async def _repositories(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        words, after = words_in(request), name_in(request)
        limit = number_of(request, "limit", USUAL, MOST)
        with looking_up_as_user():
            # Who types, or turns a page, is not told of each change on the way.
            patient = bool(words) or after is not None
            found = await self.as_user.all_repositories(caller.person, patient=patient)
        wanted = repositories_like(found.items, words)
        left = [one for one in wanted if after is None or one.full_name.lower() > after]
        cursor = cursor_of_name(left[limit - 1].full_name.lower()) if len(left) > limit else None
        told = RepositoryList(
            repositories=[RepositoryBody.of(one) for one in left[:limit]],
            count=len(wanted),
            complete=found.complete,
            next_cursor=cursor,
        )
        return json_answer(told)

    async def _issues(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        repository, words = _repository_in(request), words_in(request)
        limit = number_of(request, "limit", USUAL, MOST)
        with looking_up_as_user():
            found = await self.as_user.issues(caller.person, repository, patient=bool(words))
            if found is None:
                raise _no_repository()
            wanted = await self._wanted(caller, repository, found, words)
        complete = found.complete and len(wanted) <= limit
        told = IssueList(issues=[IssueBody.of(one) for one in wanted[:limit]], complete=complete)
        return json_answer(told)

    async def _wanted(
        self, caller: Caller, repository: str, found: Many[OpenIssue], words: tuple[str, ...]
    ) -> list[OpenIssue]:
        """Those with the words in them; first the one whose number it is, open or not."""
        wanted = issues_like(found.items, words)
        number = number_meant(words)
        if number is None:
            return wanted
        others = [one for one in wanted if one.number != number]
        if len(others) < len(wanted):
            return [next(one for one in wanted if one.number == number), *others]
        exact = await self.as_user.issue(caller.person, repository, number)
        return wanted if exact is None else [exact, *others]

    async def _issue(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        repository, number = _repository_in(request), _number_in(request)
        with looking_up_as_user():
            found = await self.as_user.issue(caller.person, repository, number)
        if found is None:
            raise _no_issue(repository, number)
        return json_answer(WholeIssue.read(found))

    async def _summary(self, request: web.Request) -> web.Response:
        caller = await self._caller(request)
        with looking_up_as_user():
            places = await self.as_user.installations(caller.person)
            repositories = await self.as_user.all_repositories(caller.person, patient=True)
        asked = Asked(MOST_TASKS, None, ACTIVE, Search())
        narrowed = await narrow(self.sight, caller, asked)
        lists, tasks, active = self.sight.store.lists, (), 0
        if narrowed is not None:
            tasks = (await lists.page(narrowed.scope, narrowed.query, MOST_TASKS)).tasks
            active, _ = await lists.count(narrowed.scope, narrowed.query)
        told = Summary(
            login=caller.person.login,
            installations=len(places.items),
            repositories=len(repositories.items),
            complete=places.complete and repositories.complete,
            active=active,
            tasks=[task_body(one, self.web_url, mine=True) for one in tasks],
        )
        return json_answer(told)


def _repository_in(request: web.Request) -> str:
    parts = request.match_info["owner"], request.match_info["repo"]
    if not all(_NAME.fullmatch(part) and part not in {".", ".."} for part in parts):
        raise Problem(
            400, "The address names no repository: give owner and name.", code="bad_repository"
        )
    return "/".join(parts)


def _number_in(request: web.Request) -> int:
    text = request.match_info["number"]
    if _NUMBER.fullmatch(text) is None:
        raise Problem(400, "The address names no issue: give its number.", code="bad_number")
    return int(text)


def _no_repository() -> Problem:
    return Problem(
        404, "There is no such repository, or GitHub does not show it to you.", code="not_found"
    )


def _no_issue(repository: str, number: int) -> Problem:
    return Problem(
        404,
        f"{repository} has no issue {number}, or GitHub does not show it to you.",
        code="not_found",
    )
