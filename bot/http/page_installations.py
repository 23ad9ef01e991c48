"""`/installations`: where the App is installed, on what, and where that is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.github.as_user import AsUser
from bot.github.personal import Installed, OwnRepository
from bot.http import pages
from bot.http.as_user_lookups import looking_up_as_user
from bot.http.caller import Caller
from bot.http.github_links import GitHubLinks
from bot.http.page_sign_in import sign_in_link
from bot.http.problems import Problem

PATH = "/installations"
MOST = 100
"""Repositories that are listed of an installation."""

NOTICES = {
    "installed": "Bellhop is installed. A comment that begins with `/fix` gets an answer now.",
    "updated": "What is installed has changed.",
    "requested": "The owner of the organisation was asked to install Bellhop; until they agree, "
    "nothing is installed there.",
}
"""What somebody who comes back from GitHub is told."""


@dataclass(frozen=True, slots=True)
class Place:
    """An installation with its repositories, or why they cannot be told at the moment."""

    installed: Installed
    repositories: Sequence[OwnRepository] = ()
    total: int = 0
    complete: bool = True
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class InstallationsPage:
    """Shows the page."""

    as_user: AsUser
    links: GitHubLinks

    def register(self, app: web.Application) -> None:
        """Serve the page."""
        pages.add(app, "GET", PATH, self._show)

    async def _show(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        try:
            with looking_up_as_user():
                found = await self.as_user.installations(caller.person)
        except Problem as problem:
            return self._page(request, (), problem=problem)
        places = [await self._place(caller, one) for one in found.items]
        return self._page(request, places, complete=found.complete)

    async def _place(self, caller: Caller, installed: Installed) -> Place:
        if installed.suspended_at is not None:
            return Place(installed)
        try:
            with looking_up_as_user():
                found = await self.as_user.repositories(caller.person, installed.id)
        except Problem as problem:
            return Place(installed, problem=problem)
        return Place(installed, found.items[:MOST], len(found.items), found.complete)

    def _page(
        self,
        request: web.Request,
        places: Sequence[Place],
        *,
        complete: bool = True,
        problem: Problem | None = None,
    ) -> web.Response:
        values: dict[str, Any] = {
            "places": places,
            "complete": complete,
            "problem": problem,
            "install_url": self.links.install(),
            "sign_in_link": sign_in_link(PATH),
            "notice": None if problem else pages.done(request, NOTICES),
        }
        status = 200 if problem is None else problem.status
        answer = pages.show(request, "installations.html", values, status)
        if problem is not None:
            answer.headers.update(problem.headers)
        return answer
