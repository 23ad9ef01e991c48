"""`python -m simulator`: the offline GitHub as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from simulator import Simulator, make_app
from simulator.seed import VISITOR, WRITER, seed
from simulator.shapes.threads import issue_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.model import Issue
    from simulator.shapes import Json


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m simulator",
        description="Serve an offline GitHub on loopback, with one small repository in it, until"
        " it gets SIGINT or SIGTERM. Prints one line of JSON when it is ready.",
    )
    made.add_argument("--port", type=int, default=0, help="0, the default, takes any free port")
    made.add_argument(
        "--folder", type=Path, help="where to keep the git repositories while it runs"
    )
    made.add_argument("--webhook-url", help="where the App's webhook goes; settable later too")
    made.add_argument("--webhook-secret-file", type=Path, help="made up if not given")
    made.add_argument("--private-key-file", type=Path, help="the App's key, PEM; made if not given")
    made.add_argument(
        "--hold", action="store_true", help="send nothing until a webhook address is set later"
    )
    return made


def _text(file: Path | None) -> str | None:
    return file.read_text().strip() if file else None


def facts(sim: Simulator, issue: Issue) -> Json:
    """Return what a bot must know to work here."""
    return {
        "url": sim.url,
        "apiUrl": sim.api_url,
        "appId": sim.app.app_id,
        "slug": sim.app.slug,
        "clientId": sim.app.client_id,
        "clientSecret": sim.app.client_secret,
        "privateKey": sim.app.private_key_pem,
        "webhookSecret": sim.app.webhook_secret,
        "repository": issue.repository.full_name,
        "cloneUrl": f"{sim.url}/{issue.repository.full_name}.git",
        "issueNumber": issue.number,
        "issueUrl": issue_url(sim.site, issue),
        "writer": WRITER,
        "reader": VISITOR,
        "controlUrl": f"{sim.url}/_simulator",
    }


async def serve(options: argparse.Namespace, folder: Path) -> None:
    """Serve until told to end."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    app = make_app(_text(options.private_key_file), _text(options.webhook_secret_file))
    url = None if options.hold else options.webhook_url
    async with await Simulator.start(folder, options.port, app=app, webhook_url=url) as sim:
        sys.stdout.write(json.dumps(facts(sim, seed(sim))) + "\n")
        sys.stdout.flush()
        await ended.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="offline-github-", dir=options.folder) as folder:
        try:
            asyncio.run(serve(options, Path(folder)))
        except OSError as error:
            sys.stderr.write(f"The offline GitHub cannot start: {error}. Try another --port.\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
