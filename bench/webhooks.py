"""How fast a delivery is verified, stored and answered, beside a handler that only verifies it.

    python -m bench.webhooks [ROUNDS [REQUESTS]]

Both servers run on this machine in this run and take turns. The best round of each is compared:
whatever else the machine does makes rounds slower, never faster. `unstored` is Bellhop with an
inbox that stores nothing: no database could bring the ratio of commands above its own.
Ends with 1 when an answer or a row is missing, or when a ratio is below its bar.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BARS = {"command": 0.8, "chatter": 0.9}
MEANING = {"command": "a command, stored durably", "chatter": "a comment that asks for nothing"}
EXPECTED = {
    ("bare", "command"): "202",
    ("bare", "chatter"): "202",
    ("bellhop", "command"): "202",
    ("bellhop", "chatter"): "200",
    ("unstored", "command"): "202",
}


@dataclass(frozen=True)
class Round:
    rate: float
    p50: float
    p99: float


@contextmanager
def server(which: str, folder: Path) -> Iterator[str]:
    """Start one of the servers; gives its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.servers", which, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def play(port: str, which: str, kind: str, first: int, count: int) -> Round:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", port, str(first), str(count), kind],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    if result["statuses"] != {EXPECTED[which, kind]: count}:
        sys.exit(f"{which} answered a {kind} with {result['statuses']}")
    return Round(count / result["seconds"], result["p50"], result["p99"])


def compare(kind: str, ports: dict[str, str], rounds: int, count: int) -> bool:
    """Print the servers' best rounds and their ratios; whether the bar is reached."""
    asked = {which: port for which, port in ports.items() if (which, kind) in EXPECTED}
    results: dict[str, list[Round]] = {which: [] for which in asked}
    for number in range(rounds):
        for which, port in asked.items():
            results[which].append(play(port, which, kind, number * count, count))
    print(
        f"\n{MEANING[kind]}: the best of {rounds} rounds of {count:,} requests of 10 kB,"
        " 32 connections"
    )
    best = {which: max(played, key=lambda one: one.rate) for which, played in results.items()}
    ratios = {which: one.rate / best["bare"].rate for which, one in best.items()}
    for which, one in best.items():
        print(
            f"  {which:8} {one.rate:8,.0f}/s   p50 {one.p50 * 1e3:6.2f} ms"
            f"   p99 {one.p99 * 1e3:6.2f} ms   ratio {ratios[which]:.2f}"
        )
    reached = ratios["bellhop"] >= BARS[kind]
    print(f"  bar      {BARS[kind]:8}     {'reached' if reached else 'missed'}")
    return reached


def stored(folder: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(folder / "bellhop.db")) as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM candidates)"
        ).fetchone()


def main(rounds: int = 16, count: int = 4_000) -> int:
    # A folder here, on disk: the system's temporary folder may be memory, where a sync is free.
    with TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        with ExitStack() as stack:
            ports = {
                which: stack.enter_context(server(which, folder))
                for which in ("bare", "bellhop", "unstored")
            }
            for which, port in ports.items():
                play(port, which, "command" if which == "unstored" else "chatter", 0, 1_000)
            reached = [compare(kind, ports, rounds, count) for kind in BARS]
        rows = stored(folder)
    print(
        f"\nstored: {rows[0]:,} deliveries with {rows[1]:,} candidates of {rounds * count:,} sent"
    )
    return 0 if all(reached) and rows == (rounds * count, rounds * count) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
