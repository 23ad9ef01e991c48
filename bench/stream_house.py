"""The Bellhop of the bench of streams, a process of its own so that its memory is known.

    python -m bench.stream_house FOLDER PEOPLE

It has one task that runs, and people with a key each. It prints one line of JSON with where it is,
then obeys the lines it is told: `events COUNT SECONDS` lets so many events happen to the task, one
after another with so many seconds between them; `memory` tells how much of it is in use. It ends
when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from pydantic import SecretStr
from uuid_utils import uuid7

from bot import log
from bot.app import opened
from bot.bellhop import Bellhop
from bot.files import allow_many_files
from bot.http.limiting import Limits
from bot.http.listening import listening
from bot.key_desk import KeyDesk
from bot.settings import Settings
from bot.tempo import Tempo
from handlers.circumstances import Circumstances
from handlers.commands import Command, Options
from handlers.events import WorkRequested
from handlers.repo_config import RepoConfig
from handlers.roles import Role
from handlers.values import Origin, Person, Where
from simulator.keys import made_key
from storage.logs import LogLine

UNLIMITED = 1_000_000


def settings(folder: Path, port: int, people: int) -> Settings:
    return Settings.model_validate(
        {
            "data": folder / "data",
            "port": port,
            "app_id": 1,
            "private_key": SecretStr(made_key()),
            "webhook_secret": SecretStr("secret"),
            "github_api_url": "http://127.0.0.1:1/api",
            "github_url": "http://127.0.0.1:1",
            "agent_command": "true",
            # Operators, since GitHub is not there to say who may see what.
            "admins": ",".join(str(number) for number in range(1, people + 1)),
        }
    )


async def make_task(house: Bellhop) -> str:
    task_id = str(uuid7())
    work = WorkRequested(
        task_id,
        Command("fix", "the crash", Options(), None, 0, addressed=True),
        Where(1, 1, "org/hello", None, is_pull_request=False, title=""),
        Person(1, "person-1"),
        Origin("api", 0, 0, ""),
        Circumstances(Role.WRITE, RepoConfig(), "main"),
    )
    await house.store.apply(work, datetime.now(UTC))
    return task_id


async def make_keys(house: Bellhop, people: int) -> list[str]:
    desk = KeyDesk(house.store.people, house.vault, house.tempo.clock)
    scopes = frozenset({"tasks:read"})
    owners = [Person(number, f"person-{number}") for number in range(1, people + 1)]
    return [(await desk.new_key(owner, "a bench", scopes, None)).secret for owner in owners]


async def events(house: Bellhop, task_id: str, count: int, seconds: float) -> None:
    """Let events happen, each of which says when; two after one another never wait for readers."""
    begin = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, begin + number * seconds - time.monotonic()))
        line = LogLine("info", f"{number} {time.monotonic()}", datetime.now(UTC))
        await house.store.logs.append(task_id, 1, [line])


def memory() -> int:
    """Bytes of this process that are in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


async def obey(house: Bellhop, task_id: str) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        match line.split():
            case ["events", count, seconds]:
                await events(house, task_id, int(count), float(seconds))
            case _:
                pass
        print(json.dumps({"memory": memory()}), flush=True)


async def serve(folder: Path, people: int) -> None:
    log.set_up("error", "console")
    allow_many_files()
    limits = Limits(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as listener:
        port = listener.getsockname()[1]
        async with opened(settings(folder, port, people), Tempo(limits=limits)) as house:
            task_id = await make_task(house)
            keys = await make_keys(house, people)
            async with listening(house.application(), listener, patience=5):
                told = {"port": port, "task": task_id, "keys": keys, "memory": memory()}
                print(json.dumps(told), flush=True)
                await obey(house, task_id)


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
