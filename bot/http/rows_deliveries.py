"""What operators and owners of tasks ask about deliveries."""

from __future__ import annotations

from bot.http.cursors import PLACE
from bot.http.deliveries import ID, MOST, USUAL
from bot.http.delivery_bodies import DeliveryPage, Replayed
from bot.http.openapi_parts import Answer, Content, Route, path, query, text_like
from bot.http.rows_common import ASKED_BY_PEOPLE, LOOK_UP, PEOPLE

_TAG = "Deliveries"
_PAGE = (
    query(
        "direction",
        "`inbound`, for operators: what GitHub delivered. `outbound`: webhooks to programs; "
        "operators see everybody's, others their own.",
        {"enum": ["inbound", "outbound"], "default": "outbound"},
    ),
    query("task", "Only webhooks about this task.", {"type": "string", "format": "uuid"}),
    query(
        "limit",
        "Deliveries on a page.",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    ),
    query("cursor", "`nextCursor` of the page before.", text_like(PLACE)),
)

ROUTES = (
    Route(
        "GET",
        "/api/deliveries",
        "listDeliveries",
        _TAG,
        "Deliveries, newest first, with what became of them.",
        {200: Answer("A page.", Content(DeliveryPage))},
        ASKED_BY_PEOPLE
        | {
            400: "The cursor or the task's id is none, or does not go with the direction.",
            422: "The limit or the direction is none; `errors` tells which.",
        }
        | LOOK_UP,
        parameters=_PAGE,
        security=PEOPLE,
    ),
    Route(
        "POST",
        "/api/deliveries/{delivery_id}/replay",
        "replayDelivery",
        _TAG,
        "Send a webhook again now, by the same id; or, for operators, take a delivery of GitHub's "
        "again that was given up.",
        {202: Answer("It is sent or taken as soon as it has its turn.", Content(Replayed))},
        ASKED_BY_PEOPLE
        | {
            400: "This is no delivery's id.",
            404: "There is no such delivery, or it is not yours.",
            409: "GitHub's delivery waits, or was dealt with: it is not taken again.",
        }
        | LOOK_UP,
        parameters=(path("delivery_id", "The delivery's id.", text_like(f"^(?:{ID.pattern})$")),),
        security=PEOPLE,
    ),
)
