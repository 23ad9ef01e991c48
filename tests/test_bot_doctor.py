from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from bot import startup
from bot.doctor import Evidence, before_start, examine
from bot.doctor.github import EVENTS, PERMISSIONS
from bot.doctor.local import disk
from bot.doctor.missed import missed
from bot.doctor.names import names
from bot.settings import Settings
from handlers.missed import Missed
from simulator.keys import made_key
from storage import FolderLock, Store
from storage.missed import Outcome
from tests.bot_processes import bellhop
from tests.first_start import lay_out_in

NOTHING = Evidence(
    Settings.model_validate({}), None, None, asked=False, silence="", asked_at=datetime.now(UTC)
)


@cache
def key() -> str:
    return made_key()


@dataclasses.dataclass
class Answers:
    """What a small GitHub says; the headers are of every answer."""

    app: Any
    hook: Any
    status: int = 200
    hook_status: int = 200
    client_status: int = 404
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def application(self) -> web.Application:
        application = web.Application()

        async def app(request: web.Request) -> web.Response:
            assert request.headers["Authorization"].startswith("Bearer ey")
            return web.json_response(self.app, status=self.status, headers=self.headers)

        async def hook(request: web.Request) -> web.Response:
            return web.json_response(self.hook, status=self.hook_status, headers=self.headers)

        async def client(request: web.Request) -> web.Response:
            assert request.headers["Authorization"].startswith("Basic ")
            assert (await request.json()).keys() == {"access_token"}
            return web.json_response({}, status=self.client_status, headers=self.headers)

        application.router.add_post("/applications/Iv23test/token", client)
        application.router.add_get("/app", app)
        application.router.add_get("/app/hook/config", hook)
        return application


def good() -> Answers:
    return Answers(
        app={"id": 7, "slug": "bellhop", "permissions": PERMISSIONS, "events": list(EVENTS)},
        hook={"url": "https://bellhop.test/api/webhooks/github", "content_type": "json"},
    )


def settings_for(server: TestServer, folder: Path, **more: object) -> Settings:
    values: dict[str, object] = {
        "data": folder / "data",
        "base_url": "https://bellhop.test",
        "app_id": 7,
        "private_key": SecretStr(key()),
        "client_id": "Iv23test",
        "client_secret": SecretStr("c"),
        "webhook_secret": SecretStr("s"),
        "github_api_url": str(server.make_url("")),
        "github_url": str(server.make_url("")),
        "agent_command": "true",
    }
    return Settings.model_validate(values | more)


async def examined(
    answers: Answers, folder: Path, **more: object
) -> dict[str, tuple[str, str, str]]:
    async with TestServer(answers.application()) as server:
        found = await examine(settings_for(server, folder, **more))
    return {one.subject: (one.state, one.detail, one.remedy) for one in found}


async def test_all_is_well(tmp_path: Path) -> None:
    found = await examined(good(), tmp_path)
    assert {state for state, _, _ in found.values()} == {"ok"}
    assert found.keys() == {
        *(subject for subject, _ in startup.CHECKS),
        "data folder",
        "secret key",
        "names of settings",
        "database",
        "disk",
        "git",
        "agent",
        "base URL",
        "GitHub",
        "permissions",
        "events",
        "webhook",
        "missed deliveries",
        "sign-in",
        "clock",
    }


def _of_another_app(answers: Answers) -> None:
    answers.app["id"] = 8


def _refused(answers: Answers) -> None:
    answers.status = 401
    answers.app = {"message": "A JSON web token could not be decoded"}


def _broken(answers: Answers) -> None:
    answers.status = 502
    answers.app = "nothing"


def _undocumented(answers: Answers) -> None:
    answers.app = {"id": "x"}


def _weak(answers: Answers) -> None:
    answers.app["permissions"] = {"metadata": "read", "contents": "read", "issues": "write"}


def _deaf(answers: Answers) -> None:
    answers.app["events"] = ["issues"]


def _hook_elsewhere(answers: Answers) -> None:
    answers.hook["url"] = "https://elsewhere.test/hook"


def _no_hook(answers: Answers) -> None:
    answers.hook_status = 404
    answers.hook = {"message": "Not Found"}


def _wrong_secret(answers: Answers) -> None:
    answers.client_status = 401


def _dated(seconds: float) -> Callable[[Answers], None]:
    def change(answers: Answers) -> None:
        then = datetime.now(UTC) + timedelta(seconds=seconds)
        answers.headers["Date"] = format_datetime(then, usegmt=True)

    return change


@pytest.mark.parametrize(
    ("change", "subject", "detail", "remedy"),
    [
        (_of_another_app, "GitHub", "the key is of the App 8, not 7", "BELLHOP_APP_ID to 8"),
        (_refused, "GitHub", "could not be decoded", "the private key"),
        (_broken, "GitHub", "it gave no reason", "BELLHOP_APP_ID"),
        (_undocumented, "GitHub", "not as documented", "BELLHOP_GITHUB_API_URL"),
        (
            _weak,
            "permissions",
            "contents: write (it is read), pull_requests: write (it is none)",
            "App's page",
        ),
        (
            _deaf,
            "events",
            "issue_comment, pull_request, pull_request_review, repository",
            "App's page",
        ),
        (_hook_elsewhere, "webhook", "elsewhere.test", "bellhop.test/api/webhooks/github"),
        (_no_hook, "webhook", "Not Found", "Turn the webhook on"),
        (_wrong_secret, "sign-in", "does not take the client id", "BELLHOP_CLIENT_SECRET"),
        (_dated(-120), "clock", "ahead of", "NTP"),
        (_dated(120), "clock", "behind", "NTP"),
    ],
)
async def test_what_github_says_is_judged(
    tmp_path: Path, change: Callable[[Answers], None], subject: str, detail: str, remedy: str
) -> None:
    answers = good()
    change(answers)
    state, told, advice = (await examined(answers, tmp_path))[subject]
    assert state == "problem"
    assert detail in told
    assert remedy in advice


async def test_a_refused_app_leaves_its_permissions_unchecked(tmp_path: Path) -> None:
    answers = good()
    _refused(answers)
    found = await examined(answers, tmp_path)
    assert found["permissions"][0] == found["events"][0] == "unchecked"
    assert found["clock"][0] == "ok"


async def test_a_github_that_does_not_say_who_may_sign_in_is_told_so(tmp_path: Path) -> None:
    answers = good()
    answers.client_status = 500
    state, told, _ = (await examined(answers, tmp_path))["sign-in"]
    assert (state, told) == ("unchecked", "GitHub answered 500")


async def test_a_github_that_is_not_there(tmp_path: Path) -> None:
    server = TestServer(good().application())
    await server.start_server()
    settings = settings_for(server, tmp_path)
    await server.close()
    found = {one.subject: one for one in await examine(settings)}
    assert found["GitHub"].state == "problem"
    assert "cannot be reached" in found["GitHub"].detail
    silent = {"webhook", "sign-in", "clock"}
    assert {found[one].state for one in silent} == {"unchecked"}


@pytest.mark.parametrize(
    ("more", "subject", "state", "words"),
    [
        ({"webhook_secret": None}, "BELLHOP_WEBHOOK_SECRET", "problem", "does not start"),
        ({"private_key": None}, "GitHub", "unchecked", "App id and its key"),
        ({"private_key": SecretStr("no key")}, "GitHub", "unchecked", "PEM"),
        ({"app_id": None}, "GitHub", "unchecked", "App id and its key"),
        ({"client_secret": None}, "sign-in", "warning", "nobody can sign in"),
        ({"base_url": "http://bellhop.test"}, "base URL", "problem", "not encrypted"),
        ({"base_url": None}, "base URL", "ok", "http://127.0.0.1:8080"),
        ({"base_url": None}, "webhook", "ok", "see that it leads to http://127.0.0.1:8080/api"),
    ],
)
async def test_settings_are_judged(
    tmp_path: Path, more: dict[str, object], subject: str, state: str, words: str
) -> None:
    found = await examined(good(), tmp_path, **more)
    assert found[subject][0] == state
    assert words in found[subject][1]


async def test_a_loopback_address_needs_a_tunnel_to_a_real_github(tmp_path: Path) -> None:
    more = {"base_url": None, "github_url": "https://github.com", "unsafe_process_runner": True}
    found = await examined(good(), tmp_path, **more)
    assert "needs a tunnel" in found["base URL"][1]


async def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    state, _, remedy = (await examined(good(), tmp_path))["data folder"]
    assert state == "problem"
    assert "BELLHOP_DATA" in remedy


async def test_a_data_folder_in_use_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert (await examined(good(), tmp_path))["data folder"][1].endswith("free")
    with FolderLock(tmp_path / "data"):
        state, detail, _ = (await examined(good(), tmp_path))["data folder"]
    assert state == "ok"
    assert "in use" in detail


async def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bellhop.db").write_text("this is no database, however long it is" * 99)
    state, detail, remedy = (await examined(good(), tmp_path))["database"]
    assert state == "problem"
    assert "cannot be used: file is not a database" in detail
    assert "backup" in remedy


async def test_a_database_that_somebody_holds(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "bellhop.db")) as held:
        held.execute("CREATE TABLE t (x)")
        assert (await examined(good(), tmp_path))["database"][:2] == (
            "ok",
            f"{tmp_path}/data/bellhop.db can be written to, with 1 tables",
        )
        held.execute("BEGIN IMMEDIATE")
        state, detail, _ = (await examined(good(), tmp_path))["database"]
    assert state == "problem"
    assert "locked" in detail


@pytest.mark.parametrize(
    ("more", "subject", "detail", "remedy"),
    [
        ({"agent_command": "no-such-agent -x"}, "agent", "no program no-such-agent", "Install it"),
        ({"agent": "cluade"}, "agent cluade", "no program cluade", "take cluade out"),
        (
            {"agents": ("command", "mini-swe-agent")},
            "agent mini-swe-agent",
            "no program mini",
            "take mini-swe-agent out of BELLHOP_AGENTS",
        ),
        (
            {"worker_user": "nobody-of-that-name"},
            "BELLHOP_WORKER_USER",
            "does not start",
            "create it",
        ),
    ],
)
async def test_what_workers_need_is_looked_for(
    tmp_path: Path, more: dict[str, object], subject: str, detail: str, remedy: str
) -> None:
    state, told, advice = (await examined(good(), tmp_path, **more))[subject]
    assert state == "problem"
    assert detail in told
    assert remedy in advice


@pytest.mark.parametrize("command", ["$AGENT -x", "while true; do :; done", "", "/bin/sh -c x"])
async def test_what_a_shell_reads_by_itself_is_not_looked_for(tmp_path: Path, command: str) -> None:
    assert (await examined(good(), tmp_path, agent_command=command))["agent"][0] == "ok"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("BELLHOP_WEBHOOK_PORT", "Did you mean BELLHOP_WEBHOOK_PORTS?"),
        ("BELLHOP_TIMELIMIT", "Did you mean BELLHOP_TIME_LIMIT?"),
        ("BELLHOP_QQQQ", "docs/settings.md"),
    ],
)
def test_a_name_that_is_no_setting_is_a_warning(name: str, said: str) -> None:
    evidence = dataclasses.replace(
        NOTHING, names=("BELLHOP_PAYLOADS", "BELLHOP_PORT", "BELLHOP_TASK_ID", name)
    )
    (found,) = names(evidence)
    assert (found.subject, found.state) == (name, "warning")
    assert said in found.remedy


def test_names_of_settings_are_no_matter_and_nor_are_those_of_workers() -> None:
    evidence = dataclasses.replace(NOTHING, names=("BELLHOP_PAYLOADS", "BELLHOP_PORT"))
    assert [one.state for one in names(evidence)] == ["ok"]


@pytest.mark.parametrize(
    ("free", "state"), [(None, "unchecked"), (1_000_000, "problem"), (10**12, "ok")]
)
def test_room_on_the_disk_is_judged(free: int | None, state: str) -> None:
    (found,) = disk(dataclasses.replace(NOTHING, free=free))
    assert found.state == state
    assert (free != 1_000_000) or "Make room" in found.remedy


def test_a_start_needs_no_network_to_be_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    settings = Settings(data=tmp_path / "data", client_id="Iv23")
    found = {one.setting: one.detail for one in before_start(settings)}
    assert "BELLHOP_APP_ID" in found
    assert "BELLHOP_DATA" in found["data folder"]


def test_what_is_asked_of_an_app_is_what_the_manifest_has() -> None:
    manifest = yaml.safe_load((Path(__file__).parent.parent / "app.yml").read_text())
    assert manifest["default_permissions"] == PERMISSIONS
    assert sorted(manifest["default_events"]) == sorted(EVENTS)


async def test_the_command_says_it_all_and_its_exit_code_too(tmp_path: Path) -> None:
    async with TestServer(good().application()) as server:
        settings = settings_for(server, tmp_path)
        environment = {
            "BELLHOP_BASE_URL": "https://bellhop.test",
            "BELLHOP_APP_ID": "7",
            "BELLHOP_PRIVATE_KEY": key(),
            "BELLHOP_WEBHOOK_SECRET": "s",
            "BELLHOP_GITHUB_API_URL": settings.github_api_url,
            "BELLHOP_GITHUB_URL": settings.github_url,
            "BELLHOP_AGENT_COMMAND": "true",
        }
        (folder := tmp_path / "other").mkdir()
        (folder / ".env").write_text("BELLHOP_WEBHOOK_PORT=1\nOTHER=2\n")
        well, warned, wrong, unreadable = await asyncio.gather(
            bellhop(tmp_path, "doctor", **environment),
            bellhop(folder, "doctor", **environment | {"BELLHOP_PROT": "1"}),
            bellhop(tmp_path, "doctor", **environment | {"BELLHOP_WEBHOOK_SECRET": ""}),
            bellhop(tmp_path, "doctor", **environment | {"BELLHOP_PORT": "many"}),
        )
    assert well[0] == 0
    assert well[1].endswith("All is well.\n")
    assert warned[0] == 0
    assert "warning    BELLHOP_PROT: there is no such setting" in warned[1]
    assert "→ Did you mean BELLHOP_PORT?" in warned[1]
    assert "→ Did you mean BELLHOP_WEBHOOK_PORTS?" in warned[1]
    assert warned[1].endswith("All is well.\n")
    assert wrong[0] == 1
    assert "problem    BELLHOP_WEBHOOK_SECRET" in wrong[1]
    assert "→ set it to the secret of your App's webhook." in wrong[1]
    assert unreadable[0] == 2
    assert "BELLHOP_PORT" in unreadable[2]
    assert "\x1b" not in well[1] + wrong[1]


LOOKED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GUIDS = ("a", "b", "c")


@pytest.mark.parametrize(
    ("outcomes", "problem", "state", "told"),
    [
        ((), "", "ok", "2026-03-01 12:00:00 UTC; nothing was missed in three days"),
        (("redelivered", "redelivered"), "", "ok", "in three days 2 came when asked for again"),
        (
            ("redelivered", "log", None),
            "",
            "ok",
            "1 came when asked for again, 1 taken from the log, 1 waiting",
        ),
        (("redelivered", "log", "log"), "", "warning", "2 taken from the log"),
        (("lost", "unreadable"), "", "warning", "2 given up"),
        (("redelivered",), "GitHub answered 500", "warning", "it failed: GitHub answered 500"),
    ],
)
async def test_what_was_missed(
    tmp_path: Path, outcomes: tuple[str | None, ...], problem: str, state: str, told: str
) -> None:
    settings = Settings.model_validate({"data": tmp_path / "data"})
    lay_out_in(settings)
    now = datetime.now(UTC)
    async with contextlib.AsyncExitStack() as stack:
        path = settings.data / settings.database
        store = await Store.open(path, settings.rules("bellhop"))
        stack.push_async_callback(store.close)
        found = [Missed(guid, 1, "issue_comment", now) for guid in GUIDS[: len(outcomes)]]
        await store.missed.note(found, now, now)
        for guid, outcome in zip(GUIDS, outcomes, strict=False):
            if outcome:
                await store.missed.done(guid, Outcome(outcome), now)
        await store.missed.looked(LOOKED, "")
        if problem:
            await store.missed.looked(now, problem)
    evidence = dataclasses.replace(NOTHING, settings=settings, asked_at=now)
    (finding,) = missed(evidence)
    assert finding.state == state, finding
    assert told in finding.detail
    assert bool(finding.remedy) is (state == "warning")


def test_what_was_missed_of_a_database_that_never_looked(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data": tmp_path / "data"})
    lay_out_in(settings)
    (finding,) = missed(dataclasses.replace(NOTHING, settings=settings))
    assert (finding.state, finding.detail) == (
        "ok",
        "GitHub's log was never read; nothing was missed in three days",
    )


def test_what_was_missed_of_what_is_no_database(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data": tmp_path})
    (tmp_path / settings.database).write_bytes(b"no database" * 100)
    (finding,) = missed(dataclasses.replace(NOTHING, settings=settings))
    assert finding.state == "unchecked"
