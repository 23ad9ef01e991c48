"""Apps made from manifests: what GitHub refuses in one, and the codes that it gives for the rest.

See GitHub's "Registering a GitHub App from a manifest".
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from simulator.keys import new_key
from simulator.model import AppIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from simulator.model import User
    from simulator.pulls import World
    from simulator.shapes import Json

LIFETIME = timedelta(hours=1)
LONGEST_NAME = 34
MOST_CALLBACKS = 10
LEVELS = ("read", "write", "admin")
PERMISSIONS = frozenset(
    {
        "actions",
        "administration",
        "checks",
        "contents",
        "deployments",
        "issues",
        "members",
        "metadata",
        "pull_requests",
        "statuses",
        "workflows",
    }
)
# Events an App may subscribe to, each with the permissions of which it needs any. GitHub sends
# those of installations unasked and refuses them in a list.
EVENTS = {
    "issue_comment": ("issues", "pull_requests"),
    "issues": ("issues",),
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "push": ("contents",),
    "repository": ("metadata",),
}
FIELDS = frozenset(
    {
        "name",
        "url",
        "hook_attributes",
        "redirect_url",
        "callback_urls",
        "setup_url",
        "description",
        "public",
        "default_events",
        "default_permissions",
        "request_oauth_on_install",
        "setup_on_update",
    }
)


class BadManifestError(Exception):
    """GitHub's page would show these errors instead of a button."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Made:
    """An App that was made, and until when its code is good."""

    app: AppIdentity
    owner: User
    until: datetime


class Manifests:
    """The Apps that people make here, each in the place of the one before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, Made] = {}

    def check(self, text: str) -> Json:
        """Read a manifest.

        Raises:
            BadManifestError: with all that is wrong.
        """
        try:
            read: Any = json.loads(text)
        except ValueError:
            raise BadManifestError(["The manifest is no JSON."]) from None
        if not isinstance(read, dict):
            raise BadManifestError(["The manifest is no JSON object."])
        manifest = cast("Json", read)
        errors = [*self._of_name(manifest.get("name")), *_of_urls(manifest), *_of_rights(manifest)]
        errors += [f"{name} is no field of a manifest." for name in manifest.keys() - FIELDS]
        if errors:
            raise BadManifestError(errors)
        return manifest

    def make(self, manifest: Json, owner: User) -> str:
        """Make the App of a good manifest and return the code for its secrets."""
        world, hook = self._world, _hook(manifest)
        app = AppIdentity(
            app_id=world.next_id(),
            slug=_slug(manifest["name"]),
            name=manifest["name"],
            client_id=f"Iv23li{secrets.token_hex(7)}",
            client_secret=secrets.token_hex(20),
            private_key_pem=new_key(),
            webhook_secret=secrets.token_hex(20),
            bot_user_id=world.next_id(),
            permissions={"metadata": "read", **manifest.get("default_permissions", {})},
            events=tuple(manifest.get("default_events", ())),
            callback_urls=tuple(manifest.get("callback_urls", ())),
            setup_url=manifest.get("setup_url"),
            public=bool(manifest.get("public")),
        )
        world.adopt(app, owner, hook.get("url") if hook.get("active", True) else None)
        code = secrets.token_hex(20)
        self._codes[code] = Made(app, owner, world.now() + LIFETIME)
        return code

    def take(self, code: str) -> Made | None:
        """Return what a code is for, once, within an hour."""
        made = self._codes.pop(code, None)
        return made if made and self._world.now() < made.until else None

    def _of_name(self, name: object) -> Iterator[str]:
        if not isinstance(name, str) or not _slug(name):
            yield "Name can't be blank."
            return
        if len(name) > LONGEST_NAME:
            yield f"Name is too long (maximum is {LONGEST_NAME} characters)."
        taken = {self._world.app.slug, *self._world.users}
        if _slug(name) in taken:
            yield "Name is already taken."


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _of_urls(manifest: Json) -> Iterator[str]:
    callbacks: Any = manifest.get("callback_urls", [])
    listed = cast("list[Any]", callbacks) if isinstance(callbacks, list) else [None]
    found: dict[str, Any] = {"url": manifest.get("url")}
    if "hook_attributes" in manifest:
        found["hook_attributes.url"] = _hook(manifest).get("url")
    found |= {name: manifest[name] for name in ("redirect_url", "setup_url") if name in manifest}
    found |= {f"callback_urls[{place}]": url for place, url in enumerate(listed)}
    yield from (f"{name} must be a web address." for name, url in found.items() if not _web(url))
    if len(listed) > MOST_CALLBACKS:
        yield f"There are more than {MOST_CALLBACKS} callback URLs."


def _hook(manifest: Json) -> Json:
    hook: Any = manifest.get("hook_attributes")
    return cast("Json", hook) if isinstance(hook, dict) else {}


def _web(url: object) -> bool:
    parts = urlsplit(url) if isinstance(url, str) else None
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)


def _of_rights(manifest: Json) -> Iterator[str]:
    permissions: Any = manifest.get("default_permissions", {})
    events: Any = manifest.get("default_events", [])
    if not isinstance(permissions, dict) or not isinstance(events, list):
        yield "Permissions are an object, events a list."
        return
    for name, level in cast("dict[str, Any]", permissions).items():
        if name not in PERMISSIONS or level not in LEVELS:
            yield f"{name}: {level} is no permission."
    for event in cast("list[Any]", events):
        if event not in EVENTS:
            yield f"Default events unsupported: {event}"
        elif not any(name == "metadata" or name in permissions for name in EVENTS[event]):
            yield f"Default events are not supported by permissions: {event}"
