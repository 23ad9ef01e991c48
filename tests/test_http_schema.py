"""What the OpenAPI document says holds for whatever schemathesis sends to a running Bellhop."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.http.openapi import document
from tests.http_github import visited
from tests.http_tasks import desk, unlimited
from tests.story import staged

ROOT = Path(__file__).parent.parent
EXAMPLES = 5
"""Examples of each operation in each of the phases."""

MEANT = """
[[operations]]
include-operation-id = {meant}
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "422", "429", "503"]
"""
"""Of these no schema can say what is meant: a cursor, a search, a sign-in, a repository."""

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
        or operation["operationId"] == "createTask"
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


@pytest.mark.timeout(300)
async def test_somebody_who_signed_in_gets_only_answers_that_are_written_down(
    tmp_path: Path,
) -> None:
    async with visited(tmp_path, prepare=unlimited) as (place, alice):
        cookie = f"Cookie: {alice.browser.cookie}"
        only = ["--include-path-regex", "^/api/github/"]
        # On plain http the cookie has another name, so for schemathesis it is no credential.
        only += ["--exclude-checks", "ignored_auth,negative_data_rejection"]
        code, output = await schemathesis(
            place.stage.settings.public_url, tmp_path, "", "-H", cookie, *only
        )
    assert code == 0, output
