"""Tells Bellhop how it goes, and hears from it whether to go on and what else is to be done."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from worker.client import Refused, Unreachable
from worker.contract import TIME_WARNING, ContractError, read_messages, read_time
from worker.orders import POLL, Order
from worker.spending import Spending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.client import Client
    from worker.contract import Message
    from worker.masking import Masker
    from worker.orders import Orders

HEARTBEAT = 10.0  # seconds; Bellhop gives a worker up after two minutes of silence
SPACING = 1.0  # seconds between two reports of log lines
LINES, SIZE = 100, 60_000  # lines and bytes of one report's logs
LINE = 4_000  # characters
BACKLOG = 20_000  # lines kept while Bellhop is away or the agent is faster than the reports


class Reporter:
    """A thread that sends states and batched log lines, at least one report a heartbeat."""

    def __init__(
        self, client: Client, orders: Orders, masker: Masker, heartbeat: float = HEARTBEAT
    ) -> None:
        self._client, self._orders, self._masker = client, orders, masker
        self.spending = Spending()
        self._heartbeat = heartbeat
        self._wake = threading.Condition()
        self._lines: list[dict[str, str]] = []
        self._left_out = 0
        self._news: dict[str, Any] = {}
        self._reports = self._answered = self._wanted = 0
        self._heard: set[str] = set()
        self._waiting: list[Message] = []
        self._dealt_with: set[str] = set()
        self._acknowledged: list[str] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def state(self, state: str, message: str, progress: int) -> None:
        """Say what the worker does now; `progress` in percent."""
        with self._wake:
            self._news = {"state": state, "message": message, "progress": progress}
            self._wake.notify()

    def log(self, kind: str, text: str) -> None:
        """Add a log line; `kind` is info, command, success, warning or error."""
        message = self._masker.mask(text)[:LINE]
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._wake:
            if len(self._lines) >= BACKLOG:
                self._left_out += 1
                return
            self._lines.append({"type": kind, "message": message, "timestamp": now})
            self._wake.notify()

    def follow_ups(self) -> tuple[Message, ...]:
        """What the agent is to be told beside its prompt, as Bellhop knows it now; each once.

        A report is sent for this, and its answer awaited: what was said while the agent worked
        is known then, not a heartbeat later.

        Raises:
            Interrupted: An end was ordered.
        """
        with self._wake:
            self._wanted = self._reports + 1
            self._wake.notify_all()
            while self._answered < self._wanted and self._orders.given is None:
                if not self._thread.is_alive():
                    break
                self._wake.wait(POLL)
            taken, self._waiting = tuple(self._waiting), []
        self._orders.check()
        return taken

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Say in the next report that these were dealt with."""
        with self._wake:
            for message in messages:
                self._dealt_with.add(message.id)
                if message.id not in self._acknowledged:
                    self._acknowledged.append(message.id)

    def close(self, patience: float) -> None:
        """Send what is left, for `patience` seconds at most, and end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        last = 0.0
        try:
            while True:
                if not self._wait_for_news(last):
                    return
                last = time.monotonic()
                self._send()
        except (Refused, Unreachable, ContractError) as error:
            self._orders.give(Order.VANISH)
            self._note(error)

    def _note(self, error: Exception) -> None:
        print(f"report: {self._masker.mask(str(error))}", file=sys.stderr, flush=True)  # noqa: T201

    def _wait_for_news(self, last: float) -> bool:
        """Wait until a report is due; False once all is said and the end has come."""
        with self._wake:
            while not self._closing:
                since = time.monotonic() - last
                due = min(SPACING, self._heartbeat) if self._lines else self._heartbeat
                if self._news or since >= due or self._wanted > self._reports:
                    return True
                self._wake.wait(due - since)
            return bool(self._news or self._lines or self._left_out or self._acknowledged)

    def _send(self) -> None:
        report = self._next_report()
        if usage := self.spending.news():
            report["usage"] = usage
        try:
            answer = self._client.call("POST", "progress", report)
        except Refused as error:
            if error.lost:
                raise
            self._note(error)  # a report that Bellhop cannot take is no reason to end the work
            answer = {}
        self._follow(answer)
        with self._wake:
            self._answered = report["report"]
            self._wake.notify_all()

    def _follow(self, answer: dict[str, Any]) -> None:
        """Do what the answer to a report says."""
        if answer.get("stop") is True:
            self._orders.give(Order.CANCEL)
        if answer.get("deadline") is not None:
            self._orders.deadline = read_time(answer["deadline"], "deadline")
        for message in read_messages(answer.get("messages")):
            self._hear(message)

    def _hear(self, message: Message) -> None:
        """Keep a message until the agent can be told: at work it reads nothing any more."""
        if self._closing:
            return
        if message.id == TIME_WARNING:
            self.log("warning", f"Bellhop says: {message.text}")
            self.acknowledge((message,))
        elif message.id in self._dealt_with:
            self.acknowledge((message,))  # the report that said so was refused
        elif message.id not in self._heard:
            with self._wake:
                self._heard.add(message.id)
                self._waiting.append(message)

    def _next_report(self) -> dict[str, Any]:
        with self._wake:
            self._reports += 1
            report, self._news = {"report": self._reports, **self._news}, {}
            batch: list[dict[str, str]] = []
            size = 0
            for line in self._lines[:LINES]:
                size += len(json.dumps(line)) + 2
                if size > SIZE:
                    break
                batch.append(line)
            del self._lines[: len(batch)]
            if self._left_out and not self._lines:
                note = f"{self._left_out} lines were left out: they came faster than they could go."
                self._left_out = 0
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                self._lines.append({"type": "warning", "message": note, "timestamp": now})
            if self._acknowledged:
                report["acknowledged"], self._acknowledged = self._acknowledged, []
            return {**report, "logs": batch} if batch else report
