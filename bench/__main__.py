"""All benches: `python -m bench`. Ends with 1 when an aim is missed."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import burst, latency, streams, webhooks

BENCHES: tuple[tuple[str, Callable[[], int]], ...] = (
    ("Answering deliveries", webhooks.main),
    ("Latency", latency.main),
    ("A burst", burst.main),
    ("Event streams", streams.main),
)


def main() -> int:
    missed = [title for title, bench in BENCHES if _run(title, bench)]
    print(f"\nMissed: {', '.join(missed)}." if missed else "\nAll aims are met.")
    return 1 if missed else 0


def _run(title: str, bench: Callable[[], int]) -> int:
    print(f"\n== {title}", flush=True)
    return bench()


if __name__ == "__main__":
    sys.exit(main())
