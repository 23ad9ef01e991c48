"""What schemathesis must be told: how git's bodies are sent, and that streams have pages."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-git-receive-pack-request")
def git_pack(ctx: schemathesis.SerializationContext, value: Any) -> Any:
    """Bytes as they are, whatever was made instead of them as text."""
    del ctx
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.hook
def before_call(
    ctx: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]
) -> None:
    """Ask for pages of events: a stream of what happens need not end."""
    del ctx, kwargs
    if case.path.endswith("/events"):
        case.headers = {**(case.headers or {}), "Accept": "application/json"}
