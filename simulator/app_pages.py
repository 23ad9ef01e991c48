"""Pages of an App's owner: making one from a manifest, and installing it."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from simulator.manifests import BadManifestError
from simulator.pages import leads_to, page

if TYPE_CHECKING:
    from simulator.backend import Backend
    from simulator.model import Repository, User
    from simulator.shapes import Json


def add_routes(application: web.Application, backend: Backend) -> None:
    """Serve the pages."""
    pages = AppPages(backend)
    router = application.router
    for path in ("/settings/apps/new", "/organizations/{organization}/settings/apps/new"):
        router.add_post(path, pages.ask)
        router.add_post(f"{path}/confirmed", pages.make)
    router.add_get("/apps/{slug}/installations/new", pages.choose)
    router.add_post("/apps/{slug}/installations/new", pages.install)


class AppPages:
    """The handlers; whoever looks is taken for whom they say they are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ask(self, request: web.Request) -> web.Response:
        """Show what a manifest asks for, with a button, as the form of another site leads here."""
        text = str((await request.post()).get("manifest", ""))
        try:
            manifest = self._backend.manifests.check(text)
        except BadManifestError as error:
            return _refusal(error)
        state = request.query.get("state", "")
        action = f"{request.path}/confirmed"
        rights = manifest.get("default_permissions", {}).items()
        listed = ", ".join(
            f"<code>{escape(name)}: {escape(level)}</code>" for name, level in rights
        )
        return page(
            "Create GitHub App",
            "<h1>Create GitHub App</h1>",
            f"<p>It asks for {listed or 'nothing'}.</p>",
            f'<form method="post" action="{escape(action)}">',
            '<label for="name">GitHub App name</label>',
            f'<input id="name" name="name" value="{escape(manifest["name"])}">',
            self._owner(request),
            f'<input type="hidden" name="manifest" value="{escape(text)}">',
            f'<input type="hidden" name="state" value="{escape(state)}">',
            "<p><button>Create GitHub App</button></p></form>",
            policy=leads_to(manifest.get("redirect_url")),
        )

    async def make(self, request: web.Request) -> web.Response:
        """Make the App and send the browser back with a code."""
        _only_ours(request)
        form = await request.post()
        owner = self._account(request.match_info.get("organization", str(form.get("owner", ""))))
        manifests = self._backend.manifests
        try:
            manifest = manifests.check(str(form.get("manifest", "")))
            manifest = manifests.check(_renamed(manifest, str(form.get("name", ""))))
        except BadManifestError as error:
            return _refusal(error)
        code = manifests.make(manifest, owner)
        asked = {"code": code, "state": str(form.get("state", ""))}
        back = manifest.get("redirect_url") or self._backend.world.site.web
        raise web.HTTPFound(_with_query(back, asked))

    async def choose(self, request: web.Request) -> web.Response:
        """Show the repositories on which the App can be installed."""
        app = self._backend.world.app
        self._check_slug(request)
        boxes = [
            f'<p><label><input type="checkbox" name="repository" value="{one.id}"> '
            f"{escape(one.full_name)}</label></p>"
            for one in self._installable()
        ]
        state = request.query.get("state", "")
        return page(
            f"Install {app.name}",
            f"<h1>Install {escape(app.name)}</h1>",
            '<form method="post">',
            f'<input type="hidden" name="state" value="{escape(state)}">',
            *(boxes or ['<p class="quiet">Its owner has no repositories.</p>']),
            "<p><button>Install</button></p></form>",
            policy=leads_to(app.setup_url),
        )

    async def install(self, request: web.Request) -> web.Response:
        """Install the App and hand over to its own page, if it has one."""
        _only_ours(request)
        self._check_slug(request)
        form = await request.post()
        wanted = {str(one) for one in form.getall("repository", [])}
        chosen = [one for one in self._installable() if str(one.id) in wanted]
        if not chosen or len({one.owner for one in chosen}) > 1:
            raise web.HTTPBadRequest(text="Go back and choose repositories of one owner.")
        world = self._backend.world
        known = {one.id for one in world.installations.values()}
        made = world.install(*chosen)
        query = {
            "installation_id": str(made.id),
            "setup_action": "update" if made.id in known else "install",
        }
        if state := str(form.get("state", "")):
            query["state"] = state
        if world.app.setup_url is not None:
            raise web.HTTPFound(_with_query(world.app.setup_url, query))
        return page("Installed", "<h1>Installed</h1>", '<p><a href="/">Repositories</a></p>')

    def _installable(self) -> list[Repository]:
        """A private App is installed by its owner only."""
        world = self._backend.world
        living = [one for one in world.repositories.values() if not one.deleted]
        return [one for one in living if world.app.public or one.owner == world.site.app_owner]

    def _check_slug(self, request: web.Request) -> None:
        if request.match_info["slug"] != self._backend.world.app.slug:
            raise web.HTTPNotFound(text="There is no such App here.")

    def _account(self, login: str) -> User:
        found = self._backend.world.users.get(login.lower())
        if found is None or found.kind == "Bot":
            raise web.HTTPNotFound(text="There is no such account here.")
        return found

    def _owner(self, request: web.Request) -> str:
        organization = request.match_info.get("organization")
        if organization is not None:
            return f"<p>for {escape(self._account(organization).login)}</p>"
        people = [one for one in self._backend.world.users.values() if one.kind == "User"]
        options = "".join(f"<option>{escape(one.login)}</option>" for one in people)
        return f'<label for="owner">for</label><select id="owner" name="owner">{options}</select>'


def _refusal(error: BadManifestError) -> web.Response:
    listed = "".join(f"<li>{escape(one)}</li>" for one in error.errors)
    return page(
        "Invalid GitHub App configuration",
        "<h1>Invalid GitHub App configuration</h1>",
        f"<ul>{listed}</ul>",
        status=422,
    )


def _renamed(manifest: Json, name: str) -> str:
    return json.dumps({**manifest, "name": name or manifest["name"]})


def _only_ours(request: web.Request) -> None:
    """Another site's page must not press the button through somebody's browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise web.HTTPForbidden(text="Press the button on the page itself.")


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
