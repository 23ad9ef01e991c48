"""Why a worker must end before its work is done: whoever says it first is heeded."""

from __future__ import annotations

import enum
import time

POLL = 0.1  # seconds between looks


class Order(enum.Enum):
    """What to do once the work was interrupted."""

    CANCEL = "the task was stopped"
    TIME_OUT = "the time limit was reached"
    VANISH = "the attempt is not this worker's any more"


class Interrupted(Exception):  # noqa: N818  it is an order, not an error
    """The work was interrupted by an order."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.value)
        self.order = order


class Orders:
    """The one place where a stop is given (by a thread or a signal) and looked up.

    It is looked up often and waited for nowhere: a signal may come while its thread holds a lock,
    and so giving an order must not need one.
    """

    def __init__(self) -> None:
        self._given: Order | None = None
        self.deadline: float | None = None  # seconds since the epoch

    def give(self, order: Order) -> None:
        """Order an end. That the attempt is lost overrules the rest: nothing is to be told then."""
        if self._given is None or order is Order.VANISH:
            self._given = order

    @property
    def given(self) -> Order | None:
        """The order that holds now, the deadline included."""
        if self._given is None and self.deadline is not None and time.time() >= self.deadline:
            self.give(Order.TIME_OUT)
        return self._given

    def check(self) -> None:
        """Raise `Interrupted` where an end was ordered."""
        if self.given is not None:
            raise Interrupted(self.given)

    def pause(self, seconds: float) -> None:
        """Sleep, but raise `Interrupted` as soon as an end is ordered."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(POLL, left))
            self.check()
