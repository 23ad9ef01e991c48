"""Every route, as a table: what it takes, what it answers, and who may call it.

Each group has its rows in a module of its own.
"""

from __future__ import annotations

from bot.http import (
    rows_auth,
    rows_config,
    rows_deliveries,
    rows_events,
    rows_git,
    rows_github,
    rows_github_data,
    rows_keys,
    rows_operations,
    rows_tasks,
    rows_workers,
)
from bot.http.openapi_parts import Route

ROUTES: tuple[Route, ...] = (
    *rows_github.ROUTES,
    *rows_tasks.ROUTES,
    *rows_events.ROUTES,
    *rows_workers.ROUTES,
    *rows_deliveries.ROUTES,
    *rows_git.ROUTES,
    *rows_auth.ROUTES,
    *rows_keys.ROUTES,
    *rows_github_data.ROUTES,
    *rows_config.ROUTES,
    *rows_operations.ROUTES,
)
"""Every route, without its twin below `/api/v1`."""
