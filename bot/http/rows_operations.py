"""What tells of the process itself."""

from __future__ import annotations

from bot.http.openapi_parts import Answer, Content, Health, Route
from bot.http.operations import RateLimits, StartupCheck
from bot.http.rows_common import ASKED_BY_PEOPLE, PEOPLE, STORAGE

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
    Route(
        "GET",
        "/api/startup/check",
        "check",
        "Operations",
        "Whether everything is set up well, with a remedy for what is not. For operators.",
        {200: Answer("What was looked at.", Content(StartupCheck))},
        ASKED_BY_PEOPLE | STORAGE,
        security=PEOPLE,
    ),
    Route(
        "GET",
        "/api/rate-limit",
        "rateLimit",
        "Operations",
        "GitHub's limits as last heard, and how much Bellhop wrote. For operators.",
        {200: Answer("By installation.", Content(RateLimits))},
        ASKED_BY_PEOPLE | STORAGE,
        security=PEOPLE,
    ),
    Route(
        "GET",
        "/metrics",
        "metrics",
        "Operations",
        "What Bellhop counts, for Prometheus. For operators, and with a token of its own.",
        {200: Answer("Lines.", Content(media=("text/plain",), schema={"type": "string"}))},
        ASKED_BY_PEOPLE | STORAGE,
        security=("metricsToken", *PEOPLE),
    ),
)
