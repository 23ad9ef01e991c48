"""What GitHub calls."""

from __future__ import annotations

from bot.http.openapi_parts import Answer, Content, Delivered, Route

ROUTES = (
    Route(
        "POST",
        "/api/webhooks/github",
        "receiveDelivery",
        "GitHub",
        "Take one delivery of GitHub's.",
        {
            200: Answer("It asks for nothing, or is known already.", Content(Delivered)),
            202: Answer("It is stored, and what it asks for is decided.", Content(Delivered)),
        },
        {
            400: "The headers or the body are not GitHub's; nothing was stored.",
            401: "The signature is missing or wrong.",
            413: "The body is larger than GitHub sends.",
            415: "The body is neither JSON nor a form.",
            503: "No secret is configured, or the database cannot store anything.",
        },
        Content(
            media=("application/json", "application/x-www-form-urlencoded"),
            schema={"type": "object"},
        ),
        ("event", "delivery"),
        ("githubSignature",),
    ),
)
