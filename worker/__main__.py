"""`python -m worker`, or `python path/to/worker` with nothing else to be seen."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def _be_the_package() -> None:
    """Make this folder importable as `worker` where Python was only given its path."""
    folder = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        "worker", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is not the worker's package")
    package = importlib.util.module_from_spec(spec)
    sys.path.remove(str(folder))
    sys.modules["worker"] = package
    spec.loader.exec_module(package)


if not __package__:
    _be_the_package()

from worker.children import GRACE  # noqa: E402  only now can it be found
from worker.client import PATIENCE  # noqa: E402
from worker.orders import Order, Orders  # noqa: E402
from worker.reporter import HEARTBEAT  # noqa: E402
from worker.run import MISUSED, Options, Worker  # noqa: E402

REQUIRED = ("BELLHOP_URL", "BELLHOP_TOKEN", "BELLHOP_TASK_ID")


def main() -> int:
    """Read the options, work, and return the exit code."""
    arguments = _parser().parse_args()
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        print(  # noqa: T201  the command line's own words
            f"worker: {', '.join(missing)} not set. A Bellhop sets them when it starts a worker.",
            file=sys.stderr,
        )
        return MISUSED
    url, token, task_id = (os.environ.pop(name) for name in REQUIRED)
    options = Options(
        url=url,
        token=token,
        task_id=task_id,
        folder=arguments.folder,
        heartbeat=arguments.heartbeat,
        patience=arguments.patience,
        grace=arguments.grace,
    )
    return _work(options)


def _work(options: Options) -> int:
    """Work until it is done or a signal ends it."""
    orders = Orders()

    def stop(_number: int, _frame: FrameType | None) -> None:
        orders.give(Order.CANCEL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return Worker(options, orders).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="worker",
        description="Does one task of Bellhop's: clones, runs the agent, pushes, reports.",
        epilog=f"The environment says which: {', '.join(REQUIRED)}.",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("work"), help="where to work (default: %(default)s)"
    )
    parser.add_argument(
        "--heartbeat",
        type=float,
        default=HEARTBEAT,
        metavar="SECONDS",
        help="the longest silence towards Bellhop (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long Bellhop may be away (default: %(default)s)",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=GRACE,
        metavar="SECONDS",
        help="how long a stopped agent may take to end (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
