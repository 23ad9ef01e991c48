"""From an HTTP request to a REST handler and back: checks, limits, conditional answers, headers."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from simulator.auth import ANONYMOUS, Actor, BadCredentialsError
from simulator.rest.call import ApiError, Call, not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.backend import Backend
    from simulator.model import Repository
    from simulator.shapes import Json

VERSIONS = ("2022-11-28", "2026-03-10")
WRITING = ("POST", "PATCH", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Route:
    """A route outside of repositories."""

    method: str
    path: str
    handle: Callable[[Call], web.Response]
    counted: bool = True


@dataclass(frozen=True, slots=True)
class RepositoryRoute:
    """A route below a repository; any of `permissions` lets a token in, at the method's level."""

    method: str
    path: str
    handle: Callable[[Call, Repository], web.Response]
    permissions: tuple[str, ...]

    def __call__(self, call: Call) -> web.Response:
        """Find the repository, check the permission, do it."""
        repository = find_repository(call)
        call.require(repository, self.permissions, "write" if self.method in WRITING else "read")
        if repository.archived and self.method in WRITING:
            raise ApiError(403, "Repository was archived so is read-only.")
        return self.handle(call, repository)


def find_repository(call: Call) -> Repository:
    """Return the repository a path names.

    Raises:
        Moved: it has another name now.
        ApiError: there is none.
    """
    parts = call.request.match_info
    if "repository_id" in parts:
        found = call.world.repositories.get(int(parts["repository_id"]))
        if found is None or found.deleted:
            raise not_found()
        return found
    wanted = f"{parts['owner']}/{parts['repo']}"
    found = call.world.find(wanted)
    if found is None:
        raise not_found()
    if found.full_name.lower() != wanted.lower():
        # GitHub keeps the method of a write to a renamed repository: 307.
        rest = call.request.path.split("/", 5)[5:]
        url = "/".join([call.site.api, "repositories", str(found.id), *rest])
        query = f"?{call.request.query_string}" if call.request.query_string else ""
        raise Moved(307 if call.request.method in WRITING else 301, f"{url}{query}")
    return found


class Moved(ApiError):  # noqa: N818 - a redirect is an answer rather than an error
    """What was asked for is at another address."""

    def __init__(self, status: int, url: str) -> None:
        words = {301: "Moved Permanently", 307: "Temporary Redirect"}
        super().__init__(status, words[status], headers={"Location": url})
        self.body["url"] = url


def serve(
    backend: Backend, handle: Callable[[Call], web.Response], *, counted: bool = True
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Make a handler for aiohttp of a REST handler."""

    async def respond(request: web.Request) -> web.StreamResponse:
        actor, refusal = _identify(backend, request)

        async def act() -> web.StreamResponse:
            try:
                answer = await _act(backend, handle, request, actor, refusal, counted=counted)
            except ApiError as error:
                answer = error.answer()
            answer.headers.update(_headers(backend, request, actor))
            return answer

        path = request.path.removeprefix("/api")
        return await backend.answer(request, path, None if refusal else actor, act)

    return respond


def _identify(backend: Backend, request: web.Request) -> tuple[Actor, ApiError | None]:
    try:
        return backend.tokens.identify(request.headers.get("Authorization")), None
    except BadCredentialsError as error:
        return ANONYMOUS, ApiError(401, str(error))


async def _act(
    backend: Backend,
    handle: Callable[[Call], web.Response],
    request: web.Request,
    actor: Actor,
    refusal: ApiError | None,
    *,
    counted: bool,
) -> web.Response:
    _check_headers(request)
    if refusal:
        raise refusal
    window = backend.limits.window(actor)
    if counted and window.remaining == 0:
        raise ApiError(403, f"API rate limit exceeded for {actor}.")
    if actor.token and actor.token.installation.suspended_at:
        raise ApiError(403, "This installation has been suspended")
    if counted:
        window.used += 1
    answer = handle(Call(request, backend, actor, await _body(request)))
    if _unchanged(request, answer):
        # A conditional request that changes nothing costs nothing.
        window.used -= counted
        return web.Response(status=304, headers={"ETag": answer.headers["ETag"]})
    return answer


def _check_headers(request: web.Request) -> None:
    if not request.headers.get("User-Agent", "").strip():
        raise ApiError(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a"
            " User-Agent header (https://docs.github.com/rest/overview/resources-in-the-rest-api"
            "#user-agent-required).",
        )
    version = request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
    if version not in VERSIONS:
        gone = version < VERSIONS[0] and version[:1].isdigit()
        raise ApiError(
            410 if gone else 400,
            f"API version {version!r} is not supported. Supported versions: {', '.join(VERSIONS)}.",
        )


async def _body(request: web.Request) -> Json:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body: Any = json.loads(raw)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "Body should be a JSON object")
    return cast("Json", body)


def _unchanged(request: web.Request, answer: web.Response) -> bool:
    """Give a good answer to a GET its ETag, and tell whether the caller has it already."""
    if request.method != "GET" or answer.status != 200:  # noqa: PLR2004 - a plain HTTP status
        return False
    raw = answer.body if isinstance(answer.body, bytes) else b""
    varying = f"{request.path_qs} {request.headers.get('Accept')}".encode()
    etag = f'W/"{hashlib.sha256(varying + raw).hexdigest()}"'
    answer.headers["ETag"] = etag
    return etag in [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]


def _headers(backend: Backend, request: web.Request, actor: Actor) -> dict[str, str]:
    version = request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
    return {
        **backend.limits.window(actor).headers,
        "x-github-api-version-selected": version if version in VERSIONS else VERSIONS[0],
        "x-github-media-type": "github.v3; format=json",
        "x-github-request-id": uuid.uuid4().hex.upper(),
        "Server": "github.com",
    }
