"""The log of the App's webhook deliveries, and redelivery."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.rest.apps import as_app
from simulator.rest.call import ApiError, Call, not_found, reply
from simulator.rest.serve import Route
from simulator.shapes import Json, stamp

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.hooks import Delivery

# What `status=` means to GitHub; a delivery that got no answer at all is neither.
STATUSES = {"success": range(200, 400), "failure": range(400, 600)}
# Where a page begins is told by the `Link` header alone; nobody is to make such a cursor.
CURSOR = re.compile(r"v1_(\d{1,18})")


def _item(delivery: Delivery) -> Json:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


def get_config(call: Call) -> web.Response:
    """`GET /app/hook/config`; the secret is not shown."""
    as_app(call)
    url = call.world.hooks.url or ""
    told = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url}
    return reply(told)


def list_deliveries(call: Call) -> web.Response:
    """`GET /app/hook/deliveries?cursor=&per_page=&status=`, newest first."""
    as_app(call)
    query = call.request.query
    status, before = query.get("status"), _before(query.get("cursor"))
    if status is not None and status not in STATUSES:
        raise ApiError(422, "Invalid request.\n\n'status' must be one of: success, failure.")
    found = [
        one
        for one in call.backend.world.hooks.recent()
        if (before is None or one.id < before)
        and (status is None or one.status_code in STATUSES[status])
    ]
    size = call.page_size()
    part = found[:size]
    following = call.url(cursor=f"v1_{part[-1].id}") if found[size:] else None
    more = {"Link": f'<{following}>; rel="next"'} if following else {}
    return reply([_item(one) for one in part], headers=more)


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (found := CURSOR.fullmatch(cursor)):
        raise ApiError(400, "The cursor is not valid.")
    return int(found[1])


def _delivery(call: Call) -> Delivery:
    as_app(call)
    for delivery in call.world.hooks.recent():
        if delivery.id == call.number("delivery_id"):
            return delivery
    raise not_found()


def get_delivery(call: Call) -> web.Response:
    """`GET /app/hook/deliveries/{delivery_id}`."""
    delivery = _delivery(call)
    return reply(
        {
            **_item(delivery),
            "url": call.world.hooks.url or "",
            "request": {"headers": delivery.request_headers, "payload": delivery.payload},
            "response": {
                "headers": delivery.response_headers,
                "payload": delivery.response_body,
            },
        }
    )


def redeliver(call: Call) -> web.Response:
    """`POST /app/hook/deliveries/{delivery_id}/attempts`; what GitHub keeps no more is refused."""
    as_app(call)
    if call.world.hooks.is_too_old(call.number("delivery_id")):
        raise ApiError(422, "The delivery is too old to be redelivered.")
    call.world.hooks.redeliver(_delivery(call))
    return reply({}, 202)


DELIVERY = r"/app/hook/deliveries/{delivery_id:\d+}"

ROUTES = (
    Route("GET", "/app/hook/config", get_config),
    Route("GET", "/app/hook/deliveries", list_deliveries),
    Route("GET", DELIVERY, get_delivery),
    Route("POST", f"{DELIVERY}/attempts", redeliver),
)
