from __future__ import annotations

import pytest

from bot.github.limits import limit_wait

NOW = 1_000_000.0
EMPTY = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000090"}


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (403, {}, "Resource not accessible by integration", None),
        (403, {"x-ratelimit-remaining": "12"}, "Must have admin rights", None),
        (404, EMPTY, "Not Found", None),
        (422, {"retry-after": "9"}, "Validation Failed", None),
        (403, {"retry-after": "17"}, "", 17),
        (429, {"retry-after": "17"} | EMPTY, "", 17),
        (403, EMPTY, "API rate limit exceeded", 90),
        (429, EMPTY, "", 90),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999"}, "", 0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999"}, "", 3600),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, "", 60),
        (403, {"x-ratelimit-remaining": "0"}, "", 60),
        (403, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 60),
        (403, {"retry-after": "999999999"}, "", 3600),
        (403, {}, "You have exceeded a secondary rate limit.", 60),
        (429, {}, "", 60),
    ],
)
def test_what_an_answer_asks_to_wait(
    status: int, headers: dict[str, str], message: str, wait: float | None
) -> None:
    assert limit_wait(status, headers, message, NOW) == wait
