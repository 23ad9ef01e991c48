"""Accounts, the rate limit, and what GitHub says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.rest.call import Call, not_found, reply
from simulator.rest.serve import VERSIONS, Route
from simulator.shapes import accounts

if TYPE_CHECKING:
    from aiohttp import web


def get_user(call: Call) -> web.Response:
    """`GET /users/{username}`, also an App's `slug[bot]`."""
    account = call.world.users.get(call.part("username").lower())
    if account is None:
        raise not_found()
    return reply(accounts.profile(call.site, account))


def get_rate_limit(call: Call) -> web.Response:
    """`GET /rate_limit`, which costs nothing."""
    core = call.backend.limits.window(call.actor).numbers
    resources = dict.fromkeys(("core", "search", "graphql"), core)
    version = call.request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
    # The version of 2026 has no `rate` any more.
    return reply({"resources": resources} | ({"rate": core} if version == VERSIONS[0] else {}))


def get_meta(call: Call) -> web.Response:
    """`GET /meta`."""
    del call
    here = ["127.0.0.1/32"]
    return reply(
        {"verifiable_password_authentication": False, "hooks": here, "web": here, "api": here}
    )


ROUTES = (
    Route("GET", "/users/{username}", get_user),
    Route("GET", "/rate_limit", get_rate_limit, counted=False),
    Route("GET", "/meta", get_meta),
)
