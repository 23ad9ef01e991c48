"""An offline GitHub: REST, git over HTTP, webhooks and two pages, on loopback, for demos and tests.

    async with await Simulator.start(folder=folder) as sim:
        repository = sim.add_repository("acme/widgets", {"README.md": "# Widgets"})
        sim.install(repository)
        issue = sim.open_issue(repository, author="alice", title="It is broken")

It knows one GitHub App; one that is made from a manifest takes its place. Everything is in memory
but the git repositories, which are real.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
from typing import TYPE_CHECKING, Self

from aiohttp import web

from simulator import app_pages, control, gitserver, oauth, pages, rest
from simulator.auth import Tokens
from simulator.backend import Backend, OnRequest, Record
from simulator.faults import Fault, Faults
from simulator.hooks import TIME_LIMIT, Delivery, Hooks
from simulator.hosting import utc_now
from simulator.keys import made_key
from simulator.limits import Limits
from simulator.manifests import Manifests
from simulator.model import AppIdentity, User
from simulator.pulls import World
from simulator.shapes import Site, accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from simulator.people import People

__all__ = ["AppIdentity", "Delivery", "Fault", "Record", "Simulator"]

APP_ID = 4711
SLUG = "bellhop"
OWNER = User(1001, "app-owner")
BOT_ID = 1002
PERMISSIONS = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
}
EVENTS = ("issue_comment", "issues", "pull_request", "pull_request_review", "repository")
REQUEST_LIMIT = 8 * 1024 * 1024


def make_app(
    private_key: str | None = None,
    webhook_secret: str | None = None,
    permissions: Mapping[str, str] = PERMISSIONS,
) -> AppIdentity:
    """Make the App, with made-up secrets where none are given."""
    return AppIdentity(
        app_id=APP_ID,
        slug=SLUG,
        name="Bellhop",
        client_id="Iv23liSimulator00001",
        client_secret=secrets.token_hex(20),
        private_key_pem=private_key or made_key(),
        webhook_secret=webhook_secret or secrets.token_hex(20),
        bot_user_id=BOT_ID,
        permissions=dict(permissions),
        events=EVENTS,
    )


class Simulator(World):
    """The offline GitHub, serving on loopback until closed."""

    def __init__(
        self,
        *,
        folder: Path,
        listener: socket.socket,
        app: AppIdentity,
        now: Callable[[], datetime],
        delivery_limit: float,
    ) -> None:
        host, port = listener.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.api_url = f"{self.url}/api"
        site = Site(web=self.url, api=self.api_url, app=app, app_owner=OWNER)
        hooks = Hooks(site, self._read_clock, delivery_limit)
        super().__init__(folder=folder, site=site, hooks=hooks, now=now)
        self.faults = Faults()
        self.tokens = Tokens(site, self._read_clock)
        self.limits = Limits(self._read_clock)
        self._backend = Backend(
            world=self,
            tokens=self.tokens,
            faults=self.faults,
            limits=self.limits,
            manifests=Manifests(self),
        )
        self._listener = listener
        self._runner: web.AppRunner | None = None

    def _read_clock(self) -> datetime:
        """Read whatever clock `now` is at the moment."""
        return self.now()

    @classmethod
    async def start(
        cls,
        folder: Path,
        port: int = 0,
        *,
        app: AppIdentity | None = None,
        webhook_url: str | None = None,
        now: Callable[[], datetime] = utc_now,
        delivery_limit: float = TIME_LIMIT,
    ) -> Self:
        """Start to serve.

        Args:
            folder: where the git repositories are made.
            port: 0 for any free one.
            app: the App it knows, made up if not given.
            webhook_url: where the App's webhook goes, nowhere if not given.
            now: the clock, also replaceable later.
            delivery_limit: seconds a receiver of webhooks has to answer.

        Raises:
            OSError: the port is taken.
        """
        listener = socket.create_server(("127.0.0.1", port))
        self = cls(
            folder=folder,
            listener=listener,
            app=app or make_app(),
            now=now,
            delivery_limit=delivery_limit,
        )
        self.webhook_url = webhook_url
        application = web.Application(client_max_size=REQUEST_LIMIT)
        for routes in (rest, control, gitserver, oauth, app_pages, pages):
            routes.add_routes(application, self._backend)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self.hooks.start()
        return self

    async def aclose(self) -> None:
        """Stop serving and sending."""
        self.faults.clear()
        await self.hooks.aclose()
        if self._runner:
            await self._runner.cleanup()
        with contextlib.suppress(OSError):
            self._listener.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def webhook_url(self) -> str | None:
        """Where deliveries go; None sends nothing."""
        return self.hooks.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.hooks.url = url

    @property
    def deliveries(self) -> list[Delivery]:
        """Every delivery, oldest first."""
        return self.hooks.log

    @property
    def requests(self) -> list[Record]:
        """Every request to REST and git, oldest first."""
        return self._backend.log

    @property
    def on_request(self) -> list[OnRequest]:
        """Who is told of each request: with False before any fault strikes, with True once done."""
        return self._backend.on_request

    async def settled(self) -> None:
        """Wait until every delivery so far has been answered or has failed."""
        await self.hooks.settled()

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Send a delivery again, under the same GUID."""
        return self.hooks.redeliver(delivery)

    @property
    def people(self) -> People:
        """Who has signed in to the App."""
        return self.tokens.people

    def revoke_authorization(self, login: str) -> None:
        """Let a person take back what they have allowed the App: it is told, tokens die."""
        person = self.user(login)
        self.people.revoke_all(person)
        sender = accounts.user(self.site, person)
        self.hooks.emit("github_app_authorization", {"action": "revoked", "sender": sender})

    def expire(self, token: str) -> None:
        """Let an installation token's hour be over."""
        self.tokens.expire(token)
