"""What an App is given once, after it was made from a manifest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.rest.call import Call, not_found, reply
from simulator.rest.serve import Route
from simulator.shapes import accounts

if TYPE_CHECKING:
    from aiohttp import web


def convert(call: Call) -> web.Response:
    """`POST /app-manifests/{code}/conversions`: anybody who has the code, within an hour, once."""
    made = call.backend.manifests.take(call.part("code"))
    if made is None:
        raise not_found()
    app = made.app
    described = {
        **accounts.app(replace(call.site, app=app, app_owner=made.owner)),
        "client_secret": app.client_secret,
        "webhook_secret": app.webhook_secret,
        "pem": app.private_key_pem,
    }
    return reply(described, 201)


ROUTES = (Route("POST", "/app-manifests/{code}/conversions", convert),)
