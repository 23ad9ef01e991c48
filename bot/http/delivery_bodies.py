"""What is told of deliveries: those of GitHub's that came in, and webhooks that went out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.http.bodies import Body
from handlers.webhook_tries import Sending
from storage.arrived import Arrived
from storage.outbound import Sent


class DeliveryTry(Body):
    """One try to send a webhook: `status` of the answer, or `error` where there was none."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None


class OutboundDelivery(Body):
    """A webhook to a program; the latest tries, oldest first."""

    direction: Literal["outbound"] = "outbound"
    id: str
    task_id: str
    attempt: int
    type: str
    url: str
    state: Literal["waiting", "delivered", "failed"]
    created_at: datetime
    next_try_at: datetime | None
    tries: list[DeliveryTry]


class DeliveredCommand(Body):
    """A line that may be a command; `taskId` is its task's if `state` is `task`."""

    task_id: str
    state: str


class InboundDelivery(Body):
    """A delivery of GitHub's that was stored.

    `via` tells how it came: at once, or when it had been missed, by a redelivery or from GitHub's
    log.
    """

    direction: Literal["inbound"] = "inbound"
    id: str
    event: str
    via: Literal["webhook", "redelivery", "log"]
    state: Literal["waiting", "done"]
    received_at: datetime
    done_at: datetime | None
    commands: list[DeliveredCommand]


class DeliveryPage(Body):
    """Deliveries, newest first; `nextCursor` leads to those before, null at the end."""

    deliveries: list[OutboundDelivery | InboundDelivery]
    next_cursor: str | None


class Replayed(Body):
    """What will be sent, or taken, again now."""

    id: str
    state: Literal["waiting"] = "waiting"


def outbound_body(sent: Sent) -> OutboundDelivery:
    """A webhook as it is told."""
    return OutboundDelivery(
        id=sent.id,
        task_id=sent.task_id,
        attempt=sent.attempt,
        type=sent.type,
        url=sent.url,
        state=sent.state.value,
        created_at=sent.created_at,
        next_try_at=sent.due_at if sent.state is Sending.WAITING else None,
        tries=[
            DeliveryTry(
                number=one.number,
                at=one.at,
                duration_ms=one.milliseconds,
                status=one.status,
                error=one.error,
            )
            for one in sent.tries
        ],
    )


def inbound_body(arrived: Arrived) -> InboundDelivery:
    """A delivery as it is told."""
    return InboundDelivery(
        id=arrived.id,
        event=arrived.event,
        via=arrived.via,
        state="waiting" if arrived.done_at is None else "done",
        received_at=arrived.received_at,
        done_at=arrived.done_at,
        commands=[DeliveredCommand(task_id=one.task_id, state=one.state) for one in arrived.asked],
    )
