"""One REST call: who asks, what for, and the answers and refusals GitHub gives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulator.auth import Actor, Tokens
    from simulator.backend import Backend
    from simulator.model import Repository, Token, User
    from simulator.pulls import World
    from simulator.shapes import Json, Site

DOCUMENTATION = "https://docs.github.com/rest"
# The longest body of an issue, a comment or a pull request, in characters.
LONGEST_TEXT = 65_536
MOST_PER_PAGE = 100
PER_PAGE = 30

Item = TypeVar("Item")


class ApiError(Exception):
    """A refusal; `errors` are the details of a 422."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Json | str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message}
        if errors:
            self.body["errors"] = list(errors)
        self.body |= {"documentation_url": DOCUMENTATION, "status": str(status)}
        self.headers = dict(headers or {})

    def answer(self) -> web.Response:
        """Return the refusal as GitHub sends it."""
        return reply(self.body, self.status, self.headers)


def not_found() -> ApiError:
    """Refuse without telling whether the thing exists."""
    return ApiError(404, "Not Found")


def forbidden() -> ApiError:
    """Refuse what the token's permissions do not allow."""
    return ApiError(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> ApiError:
    """Refuse a field of a body."""
    error = {"resource": resource, "field": field, "code": code}
    return ApiError(422, "Validation Failed", [error | ({"message": message} if message else {})])


def reply(
    body: Any,  # noqa: ANN401 - any JSON
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Answer with JSON."""
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def nothing() -> web.Response:
    """Answer 204."""
    return web.Response(status=204)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in; `body` is its JSON object, empty without one."""

    request: web.Request
    backend: Backend
    actor: Actor
    body: Json

    @property
    def world(self) -> World:
        """Everything there is."""
        return self.backend.world

    @property
    def site(self) -> Site:
        """Where it is."""
        return self.world.site

    @property
    def tokens(self) -> Tokens:
        """The tokens given out."""
        return self.backend.tokens

    @property
    def user(self) -> User:
        """The account that acts: only the App writes here, through an installation."""
        return self.world.bot

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def number(self, name: str) -> int:
        """Return a part of the path that is a number by the route's own pattern."""
        return int(self.part(name))

    @property
    def token(self) -> Token:
        """The installation token the request came with.

        Raises:
            ApiError: it came with something else.
        """
        if self.actor.token is None:
            raise ApiError(
                401 if self.actor.kind == "anonymous" else 403, "Requires authentication"
            )
        return self.actor.token

    def text(self, name: str, *, resource: str, required: bool = True) -> str | None:
        """Return a text field of the body.

        Raises:
            ApiError: missing though required, blank, no text, or too long.
        """
        value = self.body.get(name)
        if value is None:
            if required:
                raise ApiError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
            return None
        if not isinstance(value, str):
            problem = f"For 'properties/{name}', {json.dumps(value)} is not a string."
            raise ApiError(422, f"Invalid request.\n\n{problem}")
        if required and not value.strip():
            raise invalid(resource, name, "missing_field")
        if len(value) > LONGEST_TEXT:
            message = f"{name} is too long (maximum is {LONGEST_TEXT} characters)"
            raise invalid(resource, name, "custom", message)
        return value

    def require(self, repository: Repository, permissions: Sequence[str], level: str) -> None:
        """Check that the caller may read or write here, with any of some permissions.

        A token is held to its permissions even where anybody may read, so that a missing one shows.

        Raises:
            ApiError: it may not.
        """
        token = self.actor.token
        if self.actor.kind in ("app", "client"):
            raise forbidden()
        if self.actor.person:
            self._require_of(self.actor.person.user, repository, permissions, level)
            return
        if token and repository in token.reach():
            if not any(token.grants(permission, level) for permission in permissions):
                raise forbidden()
            return
        if repository.private:
            raise not_found()
        if level == "write":
            raise forbidden() if token else ApiError(401, "Requires authentication")

    def _require_of(
        self, person: User, repository: Repository, permissions: Sequence[str], level: str
    ) -> None:
        """Hold a person's token to what they may see themselves, and the App with them."""
        if not self.world.may_see(person, repository):
            raise not_found()
        installation = self.world.installation_of(repository)
        if installation is None or installation.suspended_at:
            if repository.private:
                raise not_found()
            granted: set[str] = {"metadata", "contents", "issues", "pull_requests"}
        else:
            granted = {*installation.permissions, "metadata"}
        # Nobody writes in their own name here.
        if level == "write" or granted.isdisjoint(permissions):
            raise forbidden()

    def page(self, items: Sequence[Item], describe: Callable[[Item], Json]) -> web.Response:
        """Answer with one page of a list, and a `Link` header to the others."""
        part, headers = self.cut(items)
        return reply([describe(item) for item in part], headers=headers)

    def cut(self, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, str]]:
        """Return the asked page of a list and the headers that lead to the others."""
        size, page = self.page_size(), max(1, self._query_number("page", 1))
        last = max(1, -(-len(items) // size))
        turns: list[tuple[str, int]] = []
        if page < last:
            turns += [("next", page + 1), ("last", last)]
        if page > 1:
            turns += [("prev", min(page - 1, last)), ("first", 1)]
        links = [f'<{self.url(page=str(number))}>; rel="{name}"' for name, number in turns]
        headers = {"Link": ", ".join(links)} if links else {}
        return items[(page - 1) * size : page * size], headers

    def page_size(self) -> int:
        """Return how many items a page has."""
        return min(MOST_PER_PAGE, max(1, self._query_number("per_page", PER_PAGE)))

    def url(self, **changes: str) -> str:
        """Return this call's own address with other query parameters."""
        path = self.request.path.removeprefix("/api")
        here = self.request.rel_url.with_path(path, keep_query=True)
        return f"{self.site.api}{here.update_query(changes)}"

    def _query_number(self, name: str, otherwise: int) -> int:
        try:
            return int(self.request.query.get(name, otherwise))
        except ValueError:
            return otherwise
