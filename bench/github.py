"""The offline GitHub of the benches, a process of its own so that its work is not Bellhop's.

    python -m bench.github FOLDER PORT REPOSITORIES

Every repository is its own organization's, with an installation and ten issues. Deliveries go to
Bellhop at PORT. It prints one line of JSON with what a bot must know, then obeys the lines it is
told: `write COUNT` writes so many comments, a command in each, while nobody may listen;
`deliver` delivers them all at once. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

import aiohttp

from simulator import Simulator
from simulator.hooks import headers

PEOPLE = ("alice", "bob", "carol", "dave", "erin")
COMMAND = "/fix the crash when the list is empty"
ISSUES = 10
CONNECTIONS = 100


def build(sim: Simulator, repositories: int) -> list[str]:
    """Make the repositories; gives their names. Issues are numbered from 1 on."""
    names = [f"org-{number}/hello" for number in range(repositories)]
    for name in names:
        repository = sim.add_repository(name, {"README.md": "# Hello\n"})
        for login in PEOPLE:
            sim.add_user(login)
            repository.set_role(login, "write")
        sim.install(repository)
        for _ in range(ISSUES):
            sim.open_issue(repository, author="alice", title="It crashes", body="Mend it.")
    return names


def write(sim: Simulator, names: list[str], count: int) -> None:
    for number in range(count):
        repository = sim.find(names[number % len(names)])
        assert repository is not None
        turn = number // len(names)
        issue = repository.threads[1 + turn % ISSUES]
        sim.comment(issue, author=PEOPLE[turn % len(PEOPLE)], body=COMMAND)


async def deliver(sim: Simulator) -> dict[str, object]:
    """Deliver everything that was written, at once."""
    asked = [one for one in sim.deliveries if one.event == "issue_comment"]
    statuses: Counter[str] = Counter()
    assert sim.webhook_url is not None
    url = sim.webhook_url
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(body: bytes, fields: dict[str, str]) -> None:
            async with session.post(url, data=body, headers=fields) as answer:
                statuses[str(answer.status)] += 1

        began = time.time()
        await asyncio.gather(*(send(one.body, headers(sim.app, one)) for one in asked))
    return {"began": began, "seconds": time.time() - began, "statuses": statuses}


async def serve(folder: Path, port: int, repositories: int) -> None:
    async with await Simulator.start(folder) as sim:
        names = build(sim, repositories)
        sim.webhook_url = f"http://127.0.0.1:{port}/api/webhooks/github"
        app = sim.app
        facts = {
            "url": sim.url,
            "api_url": sim.api_url,
            "app_id": app.app_id,
            "client_id": app.client_id,
            "private_key": app.private_key_pem,
            "webhook_secret": app.webhook_secret,
            "repositories": names,
        }
        print(json.dumps(facts), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            match line.split():
                case ["write", count]:
                    write(sim, names, int(count))
                    await sim.settled()
                    print(json.dumps({"written": int(count)}), flush=True)
                case ["deliver"]:
                    print(json.dumps(await deliver(sim)), flush=True)
                case _:
                    sys.exit(f"unknown: {line}")


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir()
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
