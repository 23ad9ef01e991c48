"""`bellhop keys` and `bellhop webhook-secrets`, beside a Bellhop that runs and without one."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot import cli_keys
from bot.beside import Beside
from bot.key_desk import KeyDesk
from bot.keys import digest, looks_right
from bot.vault import Vault
from handlers.values import Person
from simulator.seed import VISITOR, WRITER
from storage import Store
from storage.keys import ApiKey
from storage.migrations import migrations
from storage.people import People
from storage.sqlite import Engine
from tests.bot_processes import Yard, bellhop, yard
from tests.github_support import FakeServer, Reply, scripted
from tests.makers import NOON, RULES


async def run(place: Yard, *arguments: str, **settings: str) -> tuple[int, str, str]:
    return await bellhop(place.folder, *arguments, **place.settings | settings)


async def good(place: Yard, *arguments: str) -> tuple[str, str]:
    """A command that works: its output and what it explains."""
    code, output, errors = await run(place, *arguments)
    assert code == 0, errors
    return output, errors


def change(place: Yard, *statements: str) -> None:
    path = place.folder / "data" / "bellhop.db"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


async def kept(place: Yard, key: str) -> ApiKey:
    path = place.folder / "data" / "bellhop.db"
    engine = await Engine.open(path, migrations=migrations, readers=1, migrate=False)
    found = await People(engine).key_of(digest(key))
    await engine.close()
    assert found is not None
    return found


async def status(place: Yard, key: str, path: str = "/tasks") -> int:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{place.port}", headers=headers) as session,
        session.get(f"/api{path}") as answer,
    ):
        return answer.status


async def test_a_key_is_made_listed_and_revoked_while_bellhop_runs(tmp_path: Path) -> None:
    async with yard(tmp_path) as place, place.serving():
        output, told = await good(place, "keys", "create", "--owner", WRITER.upper())
        key = output.removesuffix("\n")
        assert looks_right(key), "the key is alone on standard output"
        assert key not in told
        assert WRITER in told
        assert await status(place, key) == 200
        listed, _ = await good(place, "keys", "list")
        number = listed.split()[0]
        assert key not in listed
        assert all(word in listed for word in (key[:9], WRITER, "tasks:read tasks:write"))
        output, told = await good(place, "keys", "revoke", number)
        assert (output, told) == ("", "It opens nothing any more.\n")
        assert await status(place, key) == 401
        code, output, told = await run(place, "keys", "revoke", number)
        assert (code, output) == (1, "")
        assert "bellhop keys list" in told


async def test_keys_are_made_before_the_first_start(tmp_path: Path) -> None:
    async with yard(tmp_path) as place:
        _, none = await good(place, "keys", "list")
        assert "There is no key" in none
        output, told = await good(
            place,
            *("keys", "create", "--owner", WRITER, "--name", " nightly "),
            *("--scope", "tasks:read", "--expires", "90d"),
        )
        made = await kept(place, output.strip())
        assert (made.owner.login, made.name) == (WRITER, "nightly")
        assert made.scopes == {"tasks:read"}
        assert made.expires_at is not None
        left = made.expires_at - datetime.now(UTC)
        assert timedelta(days=89, hours=23) < left <= timedelta(days=90)
        assert f"{made.expires_at:%Y-%m-%d %H:%M} UTC" in told
        await good(place, "keys", "create", "--owner", VISITOR)
        hers, _ = await good(place, "keys", "list", "--owner", WRITER.upper())
        assert "nightly" in hers
        assert "never used" in hers
        assert VISITOR not in hers
        async with place.serving():
            assert await status(place, output.strip()) == 200


async def test_webhook_secrets_are_made_listed_and_revoked(tmp_path: Path) -> None:
    async with yard(tmp_path) as place:
        create = ("webhook-secrets", "create", "--owner", WRITER)
        _, none = await good(place, "webhook-secrets", "list", "--owner", WRITER)
        assert "There is none" in none
        output, told = await good(place, *create)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", output)
        assert output.strip() not in told
        await good(place, *create)
        code, third, why = await run(place, *create)
        assert (code, third) == (1, "")
        assert "Delete the one" in why
        assert "bellhop webhook-secrets revoke" in why
        listed, _ = await good(place, "webhook-secrets", "list", "--owner", WRITER)
        newest, oldest = listed.splitlines()
        assert output.strip().rstrip("=")[-4:] in oldest
        await good(place, "webhook-secrets", "revoke", oldest.split()[0])
        assert (await good(place, "webhook-secrets", "list", "--owner", WRITER))[0] == f"{newest}\n"
        code, _, why = await run(place, "webhook-secrets", "revoke", oldest.split()[0])
        assert (code, "There is no secret of this id" in why) == (1, True)


WRONG = [
    (("--owner", "nobody-of-this-name"), 1, "GitHub knows no person"),
    (("--owner", "OWNER"), 1, "GitHub knows no person"),
    (("--owner", "@WRITER"), 1, "without @"),
    (("--owner", "a/../b"), 1, "no login"),
    (("--owner", "WRITER", "--scope", "admin"), 2, "tasks:read or tasks:write"),
    (("--owner", "WRITER", "--expires", "soon"), 2, "90d"),
    (("--owner", "WRITER", "--expires", "0d"), 2, "90d"),
    (("--owner", "WRITER", "--expires", "999999d"), 2, "at most"),
    (("--owner", "WRITER", "--name", "  "), 2, "1 to 100"),
    (("--owner", "WRITER", "--name", "x" * 101), 2, "1 to 100"),
    ((), 2, "--owner"),
]


async def test_what_is_wrong_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    async with yard(tmp_path) as place:
        for arguments, code, word in WRONG:
            owner = place.place.repository.partition("/")[0]
            given = (one.replace("WRITER", WRITER).replace("OWNER", owner) for one in arguments)
            answer = await run(place, "keys", "create", *given, COLUMNS="300")
            assert answer[:2] == (code, ""), answer
            assert word in answer[2]
            assert "Traceback" not in answer[2]
        assert (await good(place, "keys", "list"))[0] == ""


async def test_without_an_app_there_is_nothing_to_do(tmp_path: Path) -> None:
    code, output, errors = await bellhop(tmp_path, "keys", "create", "--owner", WRITER)
    assert (code, output) == (2, "")
    assert "BELLHOP_APP_ID" in errors


async def test_an_older_bellhop_that_runs_is_to_be_started_again(tmp_path: Path) -> None:
    async with yard(tmp_path) as place, place.serving():
        change(place, "DELETE FROM _sqlite_migrations WHERE name = 'access'", "DROP TABLE keys")
        code, output, errors = await run(place, "keys", "list")
        assert (code, output) == (1, "")
        assert "Start it again" in errors
        assert "Traceback" not in errors


REFUSED = Reply(401, {"message": "Must authenticate to access this API."})
PROFILE = Reply(200, {"id": 11, "login": "alice", "type": "User"})


@asynccontextmanager
async def private_server(
    folder: Path, *statements: str
) -> AsyncGenerator[tuple[Beside, FakeServer]]:
    """A GitHub that tells who people are only to an installation."""
    store = await Store.open(folder / "bellhop.db", RULES)
    with contextlib.closing(sqlite3.connect(folder / "bellhop.db")) as db, db:
        for statement in statements:
            db.execute(statement)
    async with scripted() as (github, server):
        server.on("GET", "/users/alice", REFUSED, PROFILE)
        desk = KeyDesk(store.people, Vault(b"k" * 32), lambda: NOON)
        yield Beside(store, desk, github, lambda: NOON), server
    await store.close()


async def test_a_server_in_private_mode_is_asked_in_the_name_of_a_repository(
    tmp_path: Path,
) -> None:
    place = "INSERT INTO places VALUES (42, 7, 'acme/widgets')"
    task = "INSERT INTO shelves VALUES (1, 'made', 0, 42, '', '', 1)"
    async with private_server(tmp_path, place, task) as (beside, server):
        assert await cli_keys._person(beside, "alice") == Person(11, "alice")
        first, second = server.to("/users/alice")
        assert "authorization" not in first.headers
        assert second.headers["authorization"].endswith(server.tokens[0])


async def test_a_server_in_private_mode_that_knows_no_repository_is_explained(
    tmp_path: Path,
) -> None:
    async with private_server(tmp_path) as (beside, server):
        with pytest.raises(cli_keys.Refused, match="private mode tells it only to an installation"):
            await cli_keys._person(beside, "alice")
        assert len(server.to("/users/alice")) == 1


async def test_a_person_has_only_so_many_keys(tmp_path: Path) -> None:
    async with yard(tmp_path) as place:
        await good(place, "keys", "create", "--owner", WRITER)
        copies = (
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
            "INSERT INTO keys (id, owner_id, owner_login, name, prefix, digest, scopes, "
            "created_at) "
            "SELECT id || i, owner_id, owner_login, name, prefix, CAST(i AS BLOB), scopes, "
            "created_at FROM keys, n"
        )
        change(place, copies)
        code, output, errors = await run(place, "keys", "create", "--owner", WRITER)
        assert (code, output) == (1, "")
        assert "There are 100 keys already" in errors
        assert "`bellhop keys revoke` does it." in errors
