"""Real git on both sides of the push gate, and a desk that keeps its notes in memory.

`python -m tests.http_git_parts UPSTREAM FOLDER` runs a gate by itself and prints its port.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from yarl import URL

from bot.http.git import GitGate
from bot.http.git_body import GateLimits
from bot.http.git_desk import PushGrant, PushRefusal, UpstreamError
from bot.http.git_upstream import RECEIVE_PACK, REQUEST_TYPE
from bot.http.pktline import FLUSH, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

TASK = "0192-brave-otter"
BRANCH = "bellhop/7-brave-otter"
REF = f"refs/heads/{BRANCH}"
STAGING = f"refs/bellhop/{TASK}"
TOKEN = "worker-token"
UPSTREAM_TOKEN = "ghs_writes-contents"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git and give what it prints, without the last newline."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    return done.stdout.removesuffix("\n")


def refs_of(bare: Path) -> dict[str, str]:
    lines = git(bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split() for line in lines)


def is_ancestor(bare: Path, older: str, newer: str) -> bool:
    command = ["git", "merge-base", "--is-ancestor", older, newer]
    return subprocess.run(command, cwd=bare, env=ENVIRONMENT, check=False).returncode == 0


@dataclass
class Desk:
    """A desk with one task, whose GitHub API is git itself on the upstream's folder."""

    bare: Path
    upstream: str = ""
    head: str | None = None
    pending: str | None = None
    refusals: dict[str, PushRefusal] = field(default_factory=dict)
    stopped: bool = False
    api_down: set[str] = field(default_factory=set)
    notes: list[tuple[str, ...]] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def authorise(self, task_id: str, token: str) -> PushGrant | PushRefusal:
        if token in self.refusals:
            return self.refusals[token]
        if task_id != TASK or token != TOKEN:
            return PushRefusal(401, "This token is not for this task.")
        return PushGrant(TASK, self.upstream, BRANCH, self.head, self.pending)

    async def upstream_token(self, grant: PushGrant) -> str:
        self._ask("token")
        return UPSTREAM_TOKEN

    async def upstream_head(self, grant: PushGrant) -> str | None:
        self.settled.set()
        self._ask("head")
        return refs_of(self.bare).get(f"refs/heads/{grant.branch}")

    async def begun(self, grant: PushGrant, new: str) -> bool:
        self.notes.append(("begun", new))
        if not self.stopped:
            self.pending = new
        return not self.stopped

    async def still_wanted(self, grant: PushGrant) -> bool:
        return not self.stopped

    async def pushed(self, grant: PushGrant, new: str) -> None:
        self.notes.append(("pushed", new))
        self.head, self.pending = new, None
        self.settled.set()

    async def failed(self, grant: PushGrant, new: str, why: str) -> None:
        self.notes.append(("failed", new, why))
        self.pending = None
        self.settled.set()

    async def move_branch(self, grant: PushGrant, old: str, new: str) -> str | None:
        self._ask("move")
        ref = f"refs/heads/{grant.branch}"
        if not is_ancestor(self.bare, ref, new):
            return "Update is not a fast forward"
        git(self.bare, "update-ref", ref, new)
        self._ask("moved")
        return None

    async def drop_ref(self, grant: PushGrant, ref: str) -> None:
        self._ask("drop")
        git(self.bare, "update-ref", "-d", ref)

    def _ask(self, what: str) -> None:
        if what in self.api_down:
            raise UpstreamError("GitHub could not be asked; push again in a minute")


class Origin:
    """`git http-backend` behind aiohttp, for holders of the upstream's token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault: Fault | None = None
        self.answering = asyncio.Event()
        self.broken_off = asyncio.Event()
        self.pushes = 0

    def register(self, app: web.Application) -> None:
        app.router.add_route("*", "/{path:.*}", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        login = base64.b64encode(f"x-access-token:{UPSTREAM_TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {login}":
            return web.Response(status=401)
        if self.fault and (answer := await self.fault(request)):
            return answer
        self.pushes += request.method == "POST"
        return await self.backend(request)

    async def backend(self, request: web.Request) -> web.StreamResponse:
        """Run git's own CGI program for a request."""
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env={
                **ENVIRONMENT,
                "GIT_PROJECT_ROOT": str(self.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "bellhop",
                "REMOTE_ADDR": "127.0.0.1",
                "REQUEST_METHOD": request.method,
                "PATH_INFO": request.path,
                "QUERY_STRING": request.query_string,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin
        feeding = asyncio.create_task(self._feed(request, process.stdin))
        try:
            return await self._answer(request, process)
        finally:
            feeding.cancel()
            process.stdin.close()
            await process.communicate()

    async def _answer(
        self, request: web.Request, process: asyncio.subprocess.Process
    ) -> web.StreamResponse:
        assert process.stdout
        answer = web.StreamResponse()
        while line := (await process.stdout.readline()).strip().decode():
            name, _, value = line.partition(": ")
            if name == "Status":
                answer.set_status(int(value[:3]))
            else:
                answer.headers[name] = value
        await answer.prepare(request)
        if request.method == "POST":
            self.answering.set()
        with suppress(ConnectionError):
            while chunk := await process.stdout.read(1 << 16):
                await answer.write(chunk)
        return answer

    async def _feed(self, request: web.Request, stdin: asyncio.StreamWriter) -> None:
        try:
            async for chunk in request.content.iter_any():
                stdin.write(chunk)
                await stdin.drain()
        except (OSError, aiohttp.ClientError):
            self.broken_off.set()
        stdin.close()


@asynccontextmanager
async def served(register: Callable[[web.Application], None]) -> AsyncIterator[str]:
    """Serve on a free port of loopback; gives the address."""
    app = web.Application()
    register(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def wrapped(text: str) -> list[str]:
    """Cut long lines, so that a person can read them in a test."""
    return [part for line in text.splitlines() for part in textwrap.wrap(line, 72) or [""]]


@dataclass(frozen=True)
class Printed:
    """What a git command left: its exit code, and what it wrote for the person."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        """What tells of the outcome, without progress, addresses and git's closing words."""
        telling = ("remote:", " !", " *", " +", "  ", "fatal:", "error:", "Everything")
        text = re.sub(r"http://127\.0\.0\.1:\d+", "GATE", self.text).replace("\r", "\n")
        lines = [line.rstrip() for line in text.splitlines() if line.startswith(telling)]
        closing = ("error: failed to push some refs", "remote:")
        return wrapped(
            "\n".join(
                line for line in lines if not line.startswith(closing[0]) and line != closing[1]
            )
        )


@dataclass
class Scene:
    """A repository with one commit, its clone, and the gate between them."""

    desk: Desk
    origin: Origin
    gate: str
    work: Path
    at_first: dict[str, str] = field(default_factory=dict)

    @property
    def bare(self) -> Path:
        return self.desk.bare

    @property
    def url(self) -> str:
        return f"{self.gate}/api/git/{TASK}"

    def refs(self) -> dict[str, str]:
        return refs_of(self.bare)

    def head(self) -> str:
        return git(self.work, "rev-parse", "HEAD")

    def pack(self) -> bytes:
        """What a first push of the work's newest commit carries."""
        return subprocess.run(
            ["git", "pack-objects", "--stdout", "--revs", "-q"],
            cwd=self.work,
            env=ENVIRONMENT,
            check=True,
            capture_output=True,
            input=b"HEAD\n",
        ).stdout

    def client(self) -> aiohttp.ClientSession:
        """Speak to the gate as no git would."""
        return aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": REQUEST_TYPE}
        )

    def hold_upstream(self) -> tuple[asyncio.Event, asyncio.Event]:
        """Let pushes wait at the upstream: set when one has arrived; to be set to go on."""
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def hold(request: web.Request) -> None:
            if request.method == "POST":
                arrived.set()
                await go_on.wait()

        self.origin.fault = hold
        return arrived, go_on

    async def connect(
        self, pack: bytes, *, announced: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Begin a first push by hand, whose pack is said to be that long; nothing is read."""
        command = f"{'0' * 40} {self.head()} {REF}\0report-status side-band-64k"
        head = encode(command.encode()) + FLUSH
        url = URL(self.url)
        assert url.host
        reader, writer = await asyncio.open_connection(url.host, url.port)
        request = [
            f"POST {url.path}/{RECEIVE_PACK} HTTP/1.1",
            f"Host: {url.authority}",
            f"Authorization: Bearer {TOKEN}",
            f"Content-Type: {REQUEST_TYPE}",
            f"Content-Length: {len(head) + announced}",
            "\r\n",
        ]
        writer.write("\r\n".join(request).encode() + head + pack)
        return reader, writer

    def commit(self, text: str, *options: str) -> str:
        (self.work / "greeting.txt").write_text(f"{text}\n")
        git(self.work, "add", ".")
        git(self.work, "commit", "-q", "-m", text, *options)
        return self.head()

    async def push(
        self, *arguments: str, token: str | None = TOKEN, url: str | None = None
    ) -> Printed:
        """Run `git push`, of the work's newest commit to the task's branch unless told."""
        process = await self.start(
            "push", url or self.url, *(arguments or (f"HEAD:{REF}",)), token=token
        )
        return await self.printed(process)

    async def start(self, *arguments: str, token: str | None = TOKEN) -> asyncio.subprocess.Process:
        """Begin a git command in the work's folder that speaks to the gate."""
        header = () if token is None else ("-c", f"http.extraHeader=Authorization: Bearer {token}")
        return await asyncio.create_subprocess_exec(
            "git",
            *header,
            *arguments,
            cwd=self.work,
            env=ENVIRONMENT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    async def printed(self, process: asyncio.subprocess.Process) -> Printed:
        _, errors = await process.communicate()
        assert process.returncode is not None
        return Printed(process.returncode, errors.decode())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something outside this process, ten seconds at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  another process sets no event
            await asyncio.sleep(0.01)


async def raw_push(
    gate: Scene,
    commands: list[str],
    *,
    pack: bytes = b"",
    capabilities: str = "report-status",
    token: str = TOKEN,
) -> tuple[int, bytes]:
    """Send a push by hand; gives the status and the body of the answer."""
    first, *others = [line.encode() for line in commands] or [b""]
    lines = [first + b"\0" + capabilities.encode(), *others]
    body = b"".join(map(encode, lines)) + FLUSH + pack
    async with (
        gate.client() as session,
        session.post(
            f"{gate.url}/{RECEIVE_PACK}",
            data=body,
            headers={"Authorization": f"Bearer {token}"},
        ) as answer,
    ):
        return answer.status, await answer.read()


@asynccontextmanager
async def scene(folder: Path, limits: GateLimits | None = None) -> AsyncIterator[Scene]:
    """Set everything up under `folder`; tests begin with a commit that is not pushed yet."""
    bare, work = folder / "origin" / "widgets.git", folder / "work"
    bare.mkdir(parents=True)
    work.mkdir()
    git(bare, "init", "-q", "--bare", "-b", "main")
    git(work, "init", "-q", "-b", "main")
    desk, origin = Desk(bare), Origin(bare.parent)
    async with (
        aiohttp.ClientSession() as session,
        served(origin.register) as upstream,
        served(GitGate(desk, session, limits).register) as gate,
    ):
        desk.upstream = f"{upstream}/widgets.git"
        set_up = Scene(desk, origin, gate, work)
        set_up.commit("hello")
        git(work, "push", "-q", str(bare), "main")
        set_up.at_first = set_up.refs()
        set_up.commit("good morning")
        yield set_up


async def _gate_alone(upstream: str, bare: Path) -> None:
    desk = Desk(bare, upstream)
    async with aiohttp.ClientSession() as session, served(GitGate(desk, session).register) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_gate_alone(sys.argv[1], Path(sys.argv[2])))
