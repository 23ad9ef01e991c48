"""Where GitHub delivers: `POST /api/webhooks/github`.

The signature is checked on the raw bytes before anything is parsed. What may ask for something is
stored before the answer, and no network call is made. See
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries.
"""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import structlog
from aiohttp import hdrs, web
from multidict import istr

from bot import trail
from bot.http import problems
from bot.http.brief import JSON, brief
from bot.http.problems import Problem
from bot.http.routes import PREFIXES, add_route
from bot.http.server import AHEAD
from bot.http.whole_bodies import SlowBodies, whole
from bot.meters import Meters
from handlers.commands import candidates
from handlers.deliveries import (
    IssueLabeled,
    ReviewSubmitted,
    TextWritten,
    Unreadable,
    label_source,
    read_delivery,
)
from handlers.glance import NOTHING, glance
from handlers.reviews import WHOLE, asks_without_command
from storage.candidates import Candidate
from storage.receiving import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from storage.inbox import Inbox

_log = structlog.stdlib.get_logger(__name__)

MOST_CANDIDATES = 100
"""Lines of one text that are looked at: a handful of commands count, whatever else is there."""

_HUB_SIGNATURE = istr("X-Hub-Signature-256")
_EVENT_NAME = istr("X-GitHub-Event")
_DELIVERY_ID = istr("X-GitHub-Delivery")
_TARGET = istr("X-GitHub-Hook-Installation-Target-ID")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_DELIVERY = re.compile(r"[0-9A-Za-z-]{1,64}")


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
        own: The names of commands that repositories have of their own.
        may_ask: Whether a label may ask for something in a repository.
        log: Where each is told of, bound once: that costs more than a line that nobody wants.
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
    own: Callable[[], Collection[str]] = tuple[str, ...]
    may_ask: Callable[[int, str], bool] = lambda _repository_id, _label: True
    log: structlog.stdlib.BoundLogger = field(default_factory=_log.bind)


PATH = "/webhooks/github"


def add_webhooks(app: web.Application, door: WebhookDoor) -> None:
    """Serve GitHub's deliveries."""
    add_route(app, hdrs.METH_POST, PATH, partial(receive, door))
    answerer = partial(receive_ahead, door)
    app[AHEAD] = {f"{prefix}{PATH}": answerer for prefix in PREFIXES}


async def receive_ahead(door: WebhookDoor, request: web.BaseRequest) -> web.StreamResponse:
    """The same as `receive`, without an application around it."""
    number = problems.new_id()
    try:
        status, document = await _deliver(door, request, number)
    except Exception as error:  # noqa: BLE001 - each has its answer
        answer = problems.problem_of(error, request, number).response()
        problems.mark(answer, number)
        return answer
    return brief(request, status, document, problems.head(number))


async def receive(door: WebhookDoor, request: web.Request) -> web.StreamResponse:
    """Verify, store, answer and count one delivery."""
    status, document = await _deliver(door, request, request[problems.REQUEST_ID])
    return web.Response(status=status, body=document, content_type=JSON)


async def _deliver(door: WebhookDoor, request: web.BaseRequest, number: str) -> tuple[int, bytes]:
    """What becomes of a delivery, as the status and the JSON of its answer."""
    start = time.perf_counter()
    outcome, task_ids, delivery = "failed", None, None
    try:
        signature = _signature(door, request.headers)
        body = await door.slow.read(request) if not request.content.is_eof() else whole(request)
        _check_signature(door.secret, body, signature)
        delivery = _header(request.headers, _DELIVERY_ID, _DELIVERY)
        arrival = _arrival(door, request.headers, delivery, body)
        if arrival is None:
            outcome = "ignored"
        else:
            trail.of_delivery(delivery, number)
            outcome, task_ids = await door.inbox.receive(arrival)
    except Problem as problem:
        if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            outcome = "refused"
        raise
    except Exception:
        # Bound only here and where something is stored: what asks for nothing has no line to say.
        trail.begin_request(number, None)
        if delivery is not None:
            trail.of_delivery(delivery)
        raise
    finally:
        door.meters.deliveries[outcome] += 1
        door.meters.answers.add(time.perf_counter() - start)
    door.log.debug(
        "delivery answered", request_id=number, delivery=delivery, outcome=outcome, tasks=task_ids
    )
    # Nothing in it needs escaping: the delivery's id was checked, the rest is ours.
    if outcome != "accepted":
        return 200, f'{{"delivery":"{delivery}","outcome":"{outcome}"}}'.encode()
    door.notify()
    tasks = ",".join([f'"{task_id}"' for task_id in task_ids or ()])
    return 202, f'{{"delivery":"{delivery}","outcome":"{outcome}","taskIds":[{tasks}]}}'.encode()


def _signature(door: WebhookDoor, headers: Mapping[str, str]) -> str:
    """What a delivery is signed with, where its body is worth reading at all."""
    if not door.secret:
        raise Problem(
            503,
            "No webhook secret is configured, so no delivery can be trusted. Set "
            "BELLHOP_WEBHOOK_SECRET to the secret of the GitHub App and start Bellhop again.",
            code="not_configured",
        )
    signature = headers.get(_HUB_SIGNATURE, "")
    # Nothing is read of what nobody could have signed, and nothing is unpacked: a few bytes could
    # become many.
    if not _SIGNATURE.fullmatch(signature):
        raise _unsigned()
    if hdrs.CONTENT_ENCODING in headers:
        raise Problem(415, "Deliveries come as they are, without Content-Encoding.")
    return signature


def _arrival(
    door: WebhookDoor, headers: Mapping[str, str], delivery: str, body: bytes
) -> Arrival | None:
    """What is to be stored of a delivery; None when it asks for nothing of us."""
    event = _header(headers, _EVENT_NAME, _EVENT)
    content = _content(headers.get(hdrs.CONTENT_TYPE, ""), body)
    target = headers.get(_TARGET)
    if target is not None and door.app_id is not None and target != str(door.app_id):
        return None
    asked = _asked(door, event, delivery, content)
    return None if asked is None else Arrival(delivery, event, door.clock(), content, asked)


def from_log(door: WebhookDoor, delivery: str, event: str, body: bytes) -> Arrival | None:
    """What is to be stored of a delivery that GitHub's log has; None when it asks for nothing.

    Raises:
        Problem: the body is not what GitHub sends for the event.
    """
    return _arrival(door, {_EVENT_NAME: event, hdrs.CONTENT_TYPE: JSON}, delivery, body)


def _asked(
    door: WebhookDoor, event: str, delivery: str, content: bytes
) -> tuple[Candidate, ...] | None:
    """The lines that may be commands; None when the delivery asks for nothing at all."""
    if seen := glance(event, content):
        if seen is NOTHING:
            return None
        return _candidates(door, "comment", seen.source_id, seen.text) or None
    try:
        value = read_delivery(event, content)
    except Unreadable as error:
        raise Problem(400, f"{error} Nothing was stored.", code="unreadable") from error
    if isinstance(value, TextWritten):
        return _candidates(door, value.kind, value.source_id, value.text) or _silent(door, value)
    if isinstance(value, IssueLabeled):
        if value.sender.is_bot or not door.may_ask(value.repository.id, value.label):
            return None
        return (Candidate(door.new_id(), value.kind, label_source(delivery), 0),)
    return None if value is None else ()


def _candidates(door: WebhookDoor, kind: str, source_id: int, text: str) -> tuple[Candidate, ...]:
    positions = candidates(text, door.app_name(), door.own())[:MOST_CANDIDATES]
    return tuple([Candidate(door.new_id(), kind, source_id, position) for position in positions])


def _silent(door: WebhookDoor, value: TextWritten) -> tuple[Candidate, ...] | None:
    """What asks for something without a command: a review of a pull request of our own."""
    if isinstance(value, ReviewSubmitted) and asks_without_command(value, door.app_name()):
        return (Candidate(door.new_id(), value.kind, value.source_id, WHOLE),)
    return None


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


def _header(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
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
