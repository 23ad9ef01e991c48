"""Where GitHub delivers: `POST /api/webhooks/github`.

The signature is checked on the raw bytes before anything is parsed. What may ask for something is
stored before the answer, and no network call is made. See
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from multidict import CIMultiDict

from bot import trail
from bot.http.problems import Problem
from bot.http.routes import add_route
from bot.meters import Meters
from handlers.commands import candidates
from handlers.deliveries import TextWritten, Unreadable, read_delivery
from handlers.glance import glance
from storage.inbox import Arrival, Candidate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from storage.inbox import Inbox

_log = structlog.stdlib.get_logger(__name__)

LARGEST = 25 * 1024 * 1024
"""Bytes of a body: GitHub sends no event that is larger than 25 MB."""

TIME_LIMIT = 10.0
"""Seconds for a body to come; GitHub waits as long for the whole answer."""

MOST_HELD = 4 * LARGEST
"""Bytes of all bodies that are still coming."""

MOST_CANDIDATES = 100
"""Lines of one text that are looked at: a handful of commands count, whatever else is there."""

_JSON = CIMultiDict({"Content-Type": "application/json"})
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_DELIVERY = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(slots=True)
class SlowBodies:
    """Reads bodies that are still coming, within `time_limit` seconds, holding `most` bytes."""

    time_limit: float = TIME_LIMIT
    most: int = MOST_HELD
    held: int = 0

    async def read(self, request: web.Request) -> bytes:
        """Read a body as it comes, whatever its length was said to be.

        Raises:
            Problem: 413, 408 or 503: it is too large, too slow, or there are too many of them.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.time_limit):
                while chunk := await request.content.readany():
                    size += len(chunk)
                    self.held += len(chunk)
                    if size > LARGEST:
                        detail = f"A delivery has at most {LARGEST} bytes."
                        raise Problem(413, detail, code="too_large")
                    if self.held > self.most:
                        raise Problem(
                            503,
                            "Too many large deliveries come at once. Send this one again later.",
                            code="busy",
                            headers={"Retry-After": "30"},
                        )
                    chunks.append(chunk)
        except TimeoutError:
            detail = f"The body did not come within {self.time_limit:g} seconds. Send it again."
            raise Problem(408, detail, code="too_slow") from None
        finally:
            self.held -= size
        return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class WebhookDoor:
    """What the route needs.

    Attributes:
        secret: The App's webhook secret; empty when none is configured.
        app_id: The App's id; None when it is not known yet.
        app_name: Tells the App's slug, for `@app-name fix`, as soon as it is known.
        inbox: Where deliveries are stored.
        notify: Called after one is stored.
        clock: The time now.
        new_id: A fresh task id, a UUIDv7.
        slow: Reads bodies that have not come wholly yet.
        meters: Where answers are counted.
    """

    secret: bytes
    app_id: int | None
    app_name: Callable[[], str]
    inbox: Inbox
    notify: Callable[[], None]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    slow: SlowBodies = field(default_factory=SlowBodies)
    meters: Meters = field(default_factory=Meters)


DOOR = web.AppKey("webhook_door", WebhookDoor)

_Outcome = tuple[int, str, str, tuple[str, ...] | None]
"""Status, the delivery's id, what became of it, and the ids of the tasks that it may hold."""


def add_webhooks(app: web.Application, door: WebhookDoor) -> None:
    """Serve GitHub's deliveries."""
    app[DOOR] = door
    add_route(app, "POST", "/webhooks/github", receive)


async def receive(request: web.Request) -> web.Response:
    """Verify, store, answer and count one delivery."""
    door = request.app[DOOR]
    start = time.perf_counter()
    outcome = "failed"
    try:
        status, delivery, outcome, task_ids = await _receive(request, door)
    except Problem as problem:
        if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            outcome = "refused"
        raise
    finally:
        door.meters.deliveries[outcome] += 1
        door.meters.answers.add(time.perf_counter() - start)
    _log.debug("delivery answered", outcome=outcome, tasks=task_ids)
    return _answer(status, delivery, outcome, task_ids)


async def _receive(request: web.Request, door: WebhookDoor) -> _Outcome:
    if not door.secret:
        raise Problem(
            503,
            "No webhook secret is configured, so no delivery can be trusted. Set "
            "BELLHOP_WEBHOOK_SECRET to the secret of the GitHub App and start Bellhop again.",
            code="not_configured",
        )
    headers = request.headers
    signature = headers.get("X-Hub-Signature-256", "")
    # Nothing is read of what nobody could have signed, and nothing is unpacked: a few bytes could
    # become many.
    if not _SIGNATURE.fullmatch(signature):
        raise _unsigned()
    if "Content-Encoding" in headers:
        raise Problem(415, "Deliveries come as they are, without Content-Encoding.")
    body = await door.slow.read(request) if not request.content.is_eof() else _whole(request)
    _check_signature(door.secret, body, signature)
    event = _checked("X-GitHub-Event", headers.get("X-GitHub-Event", ""), _EVENT)
    delivery = _checked("X-GitHub-Delivery", headers.get("X-GitHub-Delivery", ""), _DELIVERY)
    trail.of_delivery(delivery)
    content = _content(headers.get("Content-Type", ""), body)
    if _is_for_another_app(headers.get("X-GitHub-Hook-Installation-Target-ID"), door):
        return 200, delivery, "ignored", None
    asked = _asked(door, event, content)
    if asked is None:
        return 200, delivery, "ignored", None
    received = await door.inbox.receive(Arrival(delivery, event, door.clock(), content, asked))
    if received.outcome == "duplicate":
        return 200, delivery, "duplicate", None
    door.notify()
    return 202, delivery, "accepted", received.task_ids


def _asked(door: WebhookDoor, event: str, content: bytes) -> tuple[Candidate, ...] | None:
    """The lines that may be commands; None when the delivery asks for nothing at all."""
    if seen := glance(event, content):
        if seen.asks_nothing:
            return None
        return _candidates(door, "comment", seen.source_id, seen.text) or None
    try:
        value = read_delivery(event, content)
    except Unreadable as error:
        raise Problem(400, f"{error} Nothing was stored.", code="unreadable") from error
    if isinstance(value, TextWritten):
        return _candidates(door, value.kind, value.source_id, value.text) or None
    return None if value is None else ()


def _candidates(door: WebhookDoor, kind: str, source_id: int, text: str) -> tuple[Candidate, ...]:
    positions = candidates(text, door.app_name())[:MOST_CANDIDATES]
    return tuple([Candidate(door.new_id(), kind, source_id, position) for position in positions])


def _whole(request: web.Request) -> bytes:
    """A body that has come wholly before anybody asked for it, as most do."""
    body = request.content.read_nowait()
    if len(body) > LARGEST:
        raise Problem(413, f"A delivery has at most {LARGEST} bytes.", code="too_large")
    return body


def _check_signature(secret: bytes, body: bytes, signature: str) -> None:
    """Compare in constant time; what is compared is ASCII by now."""
    right = f"sha256={hmac.digest(secret, body, 'sha256').hex()}"
    if not hmac.compare_digest(right.encode(), signature.encode()):
        raise _unsigned()


def _unsigned() -> Problem:
    return Problem(
        401,
        "X-Hub-Signature-256 is missing or does not match the body. The webhook secret of the "
        "GitHub App and the one that Bellhop knows must be the same.",
        code="bad_signature",
    )


def _checked(name: str, value: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(value):
        raise Problem(400, f"The header {name} is missing or malformed.", code="bad_header")
    return value


def _content(content_type: str, body: bytes) -> bytes:
    """The JSON of a body in either of GitHub's two encodings."""
    match content_type.partition(";")[0].strip().lower():
        case "application/json":
            return body
        case "application/x-www-form-urlencoded":
            return _form_payload(body)
        case _:
            raise Problem(
                415,
                "Deliveries come as application/json or application/x-www-form-urlencoded: "
                "choose one of them as the content type of the webhook.",
                code="bad_content_type",
            )


def _form_payload(body: bytes) -> bytes:
    try:
        payloads = parse_qs(body, max_num_fields=10).get(b"payload", [])
    except ValueError:
        payloads = []
    if len(payloads) != 1:
        raise Problem(400, "The form must have exactly one field `payload`.", code="unreadable")
    return payloads[0]


def _is_for_another_app(target: str | None, door: WebhookDoor) -> bool:
    return target is not None and door.app_id is not None and target != str(door.app_id)


def _answer(
    status: int, delivery: str, outcome: str, task_ids: tuple[str, ...] | None
) -> web.Response:
    # Nothing in it needs escaping: the delivery's id was checked, the rest is ours.
    tasks = ""
    if task_ids is not None:
        quoted = ",".join([f'"{task_id}"' for task_id in task_ids])
        tasks = f',"taskIds":[{quoted}]'
    return web.Response(
        status=status,
        body=f'{{"delivery":"{delivery}","outcome":"{outcome}"{tasks}}}'.encode(),
        headers=_JSON,
    )
