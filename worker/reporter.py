"""Tells Bellhop how it goes, and hears from it whether to go on."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from worker.client import Refused, Unreachable
from worker.contract import ContractError, read_time
from worker.orders import Order
from worker.spending import Spending

if TYPE_CHECKING:
    from worker.client import Client
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
        self._reports = 0
        self._heard: list[str] = []
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
                if self._news or since >= due:
                    return True
                self._wake.wait(due - since)
            return bool(self._news or self._lines or self._left_out)

    def _send(self) -> None:
        try:
            usage = self.spending.news()
            report = self._next_report() | ({"usage": usage} if usage else {})
            answer = self._client.call("POST", "progress", report)
        except Refused as error:
            if error.lost:
                raise
            self._note(error)  # a report that Bellhop cannot take is no reason to end the work
            return
        if answer.get("stop") is True:
            self._orders.give(Order.CANCEL)
        if answer.get("deadline") is not None:
            self._orders.deadline = read_time(answer["deadline"], "deadline")
        self._hear(answer.get("messages") or [])

    def _hear(self, messages: list[dict[str, str]]) -> None:
        """Put what Bellhop says into the log, once; an agent at work cannot be spoken to."""
        for message in messages:
            if message["id"] not in self._heard:
                self._heard.append(message["id"])
                self.log("warning", f"Bellhop says: {message['text']}")

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
            if self._heard:
                report = {**report, "acknowledged": self._heard}
            return {**report, "logs": batch} if batch else report
