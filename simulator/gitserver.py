"""Git over HTTP: git's own `http-backend`, streamed both ways with little memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.auth import Actor, BadCredentialsError
from simulator.repositories import environment

if TYPE_CHECKING:
    from simulator.backend import Backend
    from simulator.model import Repository

CHUNK = 64 * 1024
PUSH = "git-receive-pack"
SERVICES = ("git-upload-pack", PUSH)


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818 - an answer rather than an error
    """Git is not served; the text is shown to the person behind git."""

    status: int
    text: str

    def answer(self) -> web.Response:
        """Return what git shows; with a 401 git asks for credentials."""
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if self.status == 401 else {}  # noqa: PLR2004 - HTTP
        return web.Response(status=self.status, text=self.text, headers=headers)


def add_routes(application: web.Application, backend: Backend) -> None:
    """Serve every repository's git below `/{owner}/{repo}.git`, and without the ending."""

    async def respond(request: web.Request) -> web.StreamResponse:
        try:
            actor: Actor | None = backend.tokens.identify(request.headers.get("Authorization"))
        except BadCredentialsError:
            actor = None

        async def act() -> web.StreamResponse:
            try:
                return await _serve(backend, request, actor)
            except Refusal as refusal:
                return refusal.answer()
            except ConnectionError:
                # The client went away; nobody sees this answer but the log.
                return web.Response(status=499)

        return await backend.answer(request, request.path, actor, act)

    base = "/{owner}/{repo}"
    application.router.add_get(f"{base}/info/refs", respond)
    for service in SERVICES:
        application.router.add_post(f"{base}/{{service:{service}}}", respond)


async def _serve(backend: Backend, request: web.Request, actor: Actor | None) -> web.StreamResponse:
    service = request.match_info.get("service") or request.query.get("service", "")
    if service not in SERVICES:
        raise Refusal(403, "Please upgrade your git client.\nOnly git's smart protocol is served.")
    name = request.match_info["repo"].removesuffix(".git")
    wanted = f"{request.match_info['owner']}/{name}"
    repository = backend.world.find(wanted)
    _check(backend, repository, actor, service)
    assert repository is not None  # noqa: S101 - _check refuses None  # pragma: no cover
    if repository.full_name.lower() != wanted.lower():
        rest = request.path_qs.split("/", 3)[3]
        url = f"{backend.world.site.web}/{repository.full_name}.git/{rest}"
        return web.Response(status=301, headers={"Location": url})
    may_change_workflows = bool(actor and actor.token and actor.token.grants("workflows", "write"))
    answer = await _run(request, repository, may_change_workflows=may_change_workflows)
    if request.method == "POST" and service == PUSH:
        backend.world.branches_changed(repository)
    return answer


def _check(
    backend: Backend, repository: Repository | None, actor: Actor | None, service: str
) -> None:
    """Refuse who may not: reading needs `contents: read` unless anybody may, pushing `write`."""
    if actor is None:
        raise Refusal(401, "Invalid username or token.")
    token = actor.token
    if token and token.installation.suspended_at:
        raise Refusal(403, "This installation has been suspended")
    reached = token is not None and repository in token.reach()
    if repository is None or (repository.private and not reached):
        raise (
            Refusal(404, "Repository not found.")
            if token
            else Refusal(401, "Repository not found.")
        )
    level = "write" if service == PUSH else "read"
    granted = token is not None and reached and token.grants("contents", level)
    if granted:
        if service == PUSH and repository.archived:
            raise Refusal(403, "This repository was archived so it is read-only.")
        return
    if service == PUSH:
        if token is None:
            raise Refusal(401, "Authentication is required to push.")
        denied = f"Permission to {repository.full_name}.git denied to {backend.world.bot.login}."
        raise Refusal(403, denied)
    if repository.private:
        raise Refusal(403, "Write access to repository not granted.")


async def _run(
    request: web.Request, repository: Repository, *, may_change_workflows: bool
) -> web.StreamResponse:
    """Run git's CGI program for one request."""
    folder = repository.git.folder
    rest = request.path.split("/", 3)[3]
    process = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={
            **environment(),
            **_cgi(request),
            "GIT_PROJECT_ROOT": str(folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{folder.name}/{rest}",
            "SIMULATOR_WORKFLOWS": "write" if may_change_workflows else "none",
        },
    )
    feeding = asyncio.create_task(_feed(request, process))
    try:
        return await _relay(request, process)
    except BaseException:
        # Not `process.kill()`: it would take the exit status away from asyncio's own watcher.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        raise
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await process.wait()


def _cgi(request: web.Request) -> dict[str, str]:
    """Describe the request as CGI does; aiohttp has already unpacked a compressed body."""
    return {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_USER": "git",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }


async def _feed(request: web.Request, process: asyncio.subprocess.Process) -> None:
    """Copy the request's body to git, no faster than git takes it."""
    pipe = process.stdin
    if pipe is None:  # pragma: no cover - it was asked for
        return
    try:
        async for chunk in request.content.iter_chunked(CHUNK):
            pipe.write(chunk)
            await pipe.drain()
    except (ConnectionError, web.RequestPayloadError):
        return  # git ended early, or the client went away
    finally:
        # Without the end of its input git would wait for ever.
        pipe.close()


async def _relay(request: web.Request, process: asyncio.subprocess.Process) -> web.StreamResponse:
    """Copy git's answer to the client, as git makes it."""
    pipe = process.stdout
    if pipe is None:  # pragma: no cover - it was asked for
        return web.Response(status=500)
    status, headers = 200, dict[str, str]()
    while line := (await pipe.readline()).decode().strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    while chunk := await pipe.read(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    return response
