"""What tells of the process itself."""

from __future__ import annotations

from bot.http.openapi_parts import Answer, Content, Health, Route

ROUTES = (
    Route(
        "GET",
        "/api/openapi.json",
        "describe",
        "Operations",
        "This document.",
        {200: Answer("OpenAPI 3.1.", Content(schema={"type": "object"}))},
    ),
    Route(
        "GET",
        "/docs",
        "reference",
        "Operations",
        "This document as a page.",
        {200: Answer("HTML.", Content(media=("text/html",), schema={"type": "string"}))},
    ),
    Route(
        "GET",
        "/healthz",
        "alive",
        "Operations",
        "Whether the process answers.",
        {200: Answer("It does.", Content(Health))},
    ),
    Route(
        "GET",
        "/readyz",
        "ready",
        "Operations",
        "Whether the work goes on.",
        {200: Answer("It does.", Content(Health))},
        {503: "Bellhop is starting, or GitHub does not say which App this is."},
    ),
)
