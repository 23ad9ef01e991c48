"""What the OpenAPI document says holds for whatever schemathesis sends to a running Bellhop."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from yarl import URL

from bot.http.access import SECURE_COOKIE
from bot.http.openapi import document
from bot.http.sign_in_paths import CALLBACK
from bot.keys import SCOPES
from handlers.effects import SendWebhook
from tests.http_sign_in import Visitor, another, at_the_door
from tests.http_tasks import Desk, desk, unlimited
from tests.provider_server import FakeProviders
from tests.providers import BAD, GOOD
from tests.story import Stage, staged

ROOT = Path(__file__).parent.parent
EXAMPLES = 5
"""Examples of each operation in each of the phases."""

MEANT = """
[[operations]]
include-operation-id = {meant}
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "422", "429", "503"]
"""
"""Of these no schema can say what is meant: a cursor, a search, a sign-in, a repository."""
MEANT_IN_THE_BODY = {"createTask", "makeKey", "putConfig", "validateCredential"}
"""A repository, a time to come, what the operator offers, an app that belongs to a token."""

ABOUT_ONE = """
[[operations]]
include-operation-id = "{operation}"
parameters = {{ "path.task_id" = "{task}" }}
"""


async def schemathesis(url: str, folder: Path, settings: str, *options: str) -> tuple[int, str]:
    """Let schemathesis ask, with all its checks; its exit code and what it printed."""
    meant = [
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
        if {"cursor", "q", "next", "state"}
        & {one["name"] for one in operation.get("parameters", ())}
        or operation["operationId"] in MEANT_IN_THE_BODY
    ]
    (folder / "schemathesis.toml").write_text(MEANT.format(meant=meant) + settings)
    hooks = {"SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
        *("--phases", "examples,coverage,fuzzing", "--request-timeout", "20"),
        *("--generation-database", "none", "--continue-on-failure"),
        *options,
        cwd=folder,
        env=os.environ | hooks,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.timeout(300)
async def test_a_stranger_gets_only_answers_that_are_written_down(tmp_path: Path) -> None:
    async with staged(tmp_path, prepare=unlimited) as stage:
        code, output = await schemathesis(stage.settings.public_url, tmp_path, "")
    assert code == 0, output


@pytest.mark.timeout(300)
async def test_a_caller_with_tasks_gets_only_answers_that_are_written_down(tmp_path: Path) -> None:
    about_one = [
        operation["operationId"]
        for path, methods in document()["paths"].items()
        for operation in methods.values()
        if path.startswith("/api/tasks/{task_id}")
    ]
    async with desk(tmp_path, prepare=unlimited, agent_command="true") as (place, alice):
        await place.secret("alice")
        settings = ""
        for operation in about_one:
            asked = await alice.ask(f"What {operation} is about.")
            await place.ended(asked.id)
            settings += ABOUT_ONE.format(operation=operation, task=asked.id)
        url, header = place.stage.settings.public_url, f"Authorization: Bearer {alice.key}"
        code, output = await schemathesis(url, tmp_path, settings, "-H", header)
    assert code == 0, output


SESSION = """
[auth.openapi.session]
api_key = "{cookie}"
"""
ABOUT = """
[[operations]]
include-operation-id = "{operation}"
parameters = {{ "path.owner" = "acme", "path.number" = 1, "{parameter}" = "{value}" }}
"""
WHERE = "^/(metrics$|api/(auth|config|deliveries|github|keys|rate-limit|sessions|startup|webhook-))"
"""All that takes a session and is not about tasks."""
ENDS = "signOut"
"""This ends the session that asks, so it has a run of its own."""
HTTPS = URL("https://127.0.0.1")


def over_https(stage: Stage) -> None:
    """Reached by https, where the session's cookie has the name that is written down."""
    unlimited(stage)
    worker_url = stage.settings.public_url
    changed = {"base_url": str(HTTPS.origin()), "worker_url": worker_url}
    stage.settings = stage.settings.model_copy(update=changed)
    stage.sim.callback_urls = [str(HTTPS.with_path(CALLBACK))]


def session_of(visitor: Visitor, headers: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """What schemathesis must know to ask as a page of theirs does: settings, and options."""
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    return SESSION.format(cookie=visitor.cookies[SECURE_COOKIE]), tuple(options)


async def filled(alice: Visitor) -> str:
    """Of everything that somebody can have, one; which of it each operation is about."""
    stage, bot = alice.stage, alice.stage.bot
    place, person = Desk(stage, alice.session), alice.person("alice")
    stage.comments("alice", "/fix it")
    task = await stage.ended()
    name = f"msg_{1:032x}_1"
    url, body = "https://127.0.0.1/hook", '{"type": "task.failed", "data": {}}'
    message = SendWebhook(name, name, task.id, 1, person.id, url, body)
    await bot.store.outbound.keep(message, "127.0.0.1", stage.clock())
    key = await place.keys.new_key(person, "a test's", frozenset(SCOPES), None)
    secret = await place.keys.new_webhook_secret(person)
    phone = another(alice)
    await phone.sign_in("alice")
    for path, given in (
        ("", {"agent": "command", "timeLimit": 600}),
        ("/credentials", {"anthropic": GOOD, "openai": BAD}),
        ("/fly", {"app": "workers", "token": GOOD}),
    ):
        headers = await alice.with_token() | {"Content-Type": "application/json"}
        answer = await alice.call("PUT", f"/api/config{path}", headers, json.dumps(given))
        assert answer.status == 200, answer.raw
    assert secret is not None
    sessions = [one.id for one in await alice.sessions("alice")]
    about = {
        "replayDelivery": ("path.delivery_id", name),
        "endKey": ("path.key_id", key.key.id),
        "endWebhookSecret": ("path.secret_id", secret.kept.id),
        "endSession": ("path.session_id", sessions[0]),
        "listGitHubIssues": ("path.repo", "widgets"),
        "getGitHubIssue": ("path.repo", "widgets"),
    }
    return "".join(
        ABOUT.format(operation=operation, parameter=parameter, value=value)
        for operation, (parameter, value) in about.items()
    )


@pytest.mark.timeout(300)
async def test_somebody_who_signed_in_gets_only_answers_that_are_written_down(
    tmp_path: Path,
) -> None:
    async with FakeProviders(good={GOOD}).serve() as providers:

        def prepare(stage: Stage) -> None:
            over_https(stage)
            stage.provider_bases |= providers.bases

        async with at_the_door(tmp_path, prepare=prepare, admins=("alice",)) as alice:
            await alice.sign_in("alice")
            about = await filled(alice)
            for only in (
                ("--include-path-regex", WHERE, "--exclude-operation-id", ENDS),
                ("--include-operation-id", ENDS),
            ):
                settings, headers = session_of(alice, await alice.with_token())
                code, output = await schemathesis(
                    alice.url, tmp_path, settings + about, *headers, *only
                )
                assert code == 0, output
