"""How long a server wants to be left alone, read from git's trace: git itself says only "403"."""

from __future__ import annotations

import re

LONGEST_REST = 3600.0  # seconds; GitHub's limits are for an hour
_HEADER = re.compile(r"<= Recv header\S* ([^\r\n]*)")


def rest_asked_for(trace: str, now: float) -> float | None:
    """Seconds to wait before the next request; None where the last answer told of no limit.

    Args:
        trace: What git wrote to `GIT_TRACE_CURL`.
        now: The time, in seconds since 1970.
    """
    status, headers = 0, dict[str, str]()
    for line in _HEADER.findall(trace):
        if line.startswith("HTTP/"):
            status, headers = int(line.split(maxsplit=2)[1]), {}
        elif ":" in line:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
    if status not in {403, 429}:
        return None
    after = headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - now)
    return None
