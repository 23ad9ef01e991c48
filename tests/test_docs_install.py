"""The pages about installing and running agree with the files, the settings and the commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from bot.cli import app
from bot.http.setup import CREATED
from bot.http.setup_gate import new_code
from bot.http.sign_in_paths import CALLBACK, INSTALLED
from bot.secret_key import NAME as KEY_FILE
from bot.serve import SHUTDOWN
from bot.settings import Settings
from docs.generated import HERE
from tests.http_tasks import desk
from tests.test_docs import logged

ROOT = HERE.parent
INSTALL = (HERE / "install.md").read_text()
OPERATE = (HERE / "operate.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FLY = tomllib.loads((ROOT / "fly.toml").read_text())
GIVEN = Settings(_env_file=None)  # pyright: ignore[reportCallIssue] - pydantic-settings takes it
PORT = str(GIVEN.port)

BLOCKS = [
    block
    for text in (INSTALL, OPERATE)
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
]


def image(pattern: str) -> str:
    """What the Dockerfile says."""
    found = re.search(pattern, DOCKERFILE, re.MULTILINE)
    assert found, pattern
    return found[1]


@pytest.mark.parametrize(
    "where",
    [
        re.findall(r"-p 127\.0\.0\.1:(\d+):\d+", INSTALL + OPERATE + DOCKERFILE),
        re.findall(r"-p [\d.]+:\d+:(\d+)", INSTALL + OPERATE + DOCKERFILE),
        re.findall(r"http://(?:127\.0\.0\.1|localhost):(\d+)", INSTALL + OPERATE + DOCKERFILE),
        re.findall(r"--to 127\.0\.0\.1:(\d+)", INSTALL),
        re.findall(r"tunnel\*\* to port (\d+)", INSTALL),
        re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE),
        re.findall(r"BELLHOP_PORT=(\d+)", DOCKERFILE),
        [str(FLY["http_service"]["internal_port"])],
    ],
)
def test_there_is_one_port(where: list[str]) -> None:
    assert where
    assert set(where) == {PORT}


def test_there_is_one_volume() -> None:
    folder = image(r"BELLHOP_DATA=(\S+)")
    assert image(r"^VOLUME (\S+)$") == folder == FLY["mounts"]["destination"]
    mounted = re.findall(r"-v ([\w-]+):(\S+)", INSTALL + OPERATE + DOCKERFILE)
    assert set(mounted) == {("bellhop-data", folder)}
    assert f"`{KEY_FILE}`" in INSTALL


def test_a_stop_waits_until_requests_have_ended() -> None:
    waits = re.findall(r"--stop-timeout (\d+)", INSTALL + OPERATE + DOCKERFILE)
    assert len(waits) == (INSTALL + OPERATE + DOCKERFILE).count("docker run --")
    assert min(*map(int, waits), FLY["kill_timeout"]) > SHUTDOWN
    assert FLY["kill_signal"] == "SIGTERM"


def test_fly_knows_one_name() -> None:
    assert FLY["env"]["BELLHOP_BASE_URL"] == f"https://{FLY['app']}.fly.dev"
    assert 'app = "my-bellhop"' in INSTALL
    assert 'BELLHOP_BASE_URL = "https://my-bellhop.fly.dev"' in INSTALL


KNOWN = {
    "": {"app", "primary_region", "kill_signal", "kill_timeout", "build", "env", "deploy"}
    | {"http_service", "mounts", "vm"},
    "build": {"dockerfile"},
    "deploy": {"strategy"},
    "http_service": {"internal_port", "force_https", "auto_stop_machines", "auto_start_machines"}
    | {"min_machines_running", "concurrency", "checks"},
    "mounts": {"source", "destination", "initial_size", "snapshot_retention"},
}
"""The keys that Fly documents and that are used: https://fly.io/docs/reference/configuration/."""


@pytest.mark.parametrize("part", KNOWN)
def test_fly_is_told_nothing_that_it_does_not_know(part: str) -> None:
    assert (FLY[part] if part else FLY).keys() <= KNOWN[part]


def test_what_fly_checks_is_answered_in_time() -> None:
    (check,) = FLY["http_service"]["checks"]
    assert check.keys() == {"method", "path", "interval", "timeout", "grace_period"}
    assert f"'{check['path']}'" in DOCKERFILE
    assert FLY["deploy"]["strategy"] == "rolling", "another one does not wait for the check"


def environments() -> list[str]:
    """The blocks that are files of settings."""
    return [
        block
        for block in BLOCKS
        if all(line.strip().startswith("BELLHOP_") for line in block.splitlines())
        and "bellhop serve" not in block
    ]


@pytest.mark.parametrize("block", environments())
def test_settings_that_are_shown_are_taken(block: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(re.sub(r"^ +", "", block, flags=re.MULTILINE))
    try:
        taken = Settings(_env_file=file)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        pytest.fail(str(error))
    named = {line.split("=")[0].strip().lower() for line in block.splitlines()}
    assert named == {f"bellhop_{name}" for name in taken.model_fields_set}


def test_the_addresses_of_the_app_are_those_that_are_served() -> None:
    section = INSTALL.split("## When the address changes\n")[1].split("\n## ")[0]
    assert re.findall(r"`…(/\S+)`", section) == ["/api/webhooks/github", CALLBACK, INSTALLED]
    assert CREATED == "/setup/created"


def test_what_the_log_says_is_what_is_shown() -> None:
    shown = {"waiting to be set up", "the App is made", "listening"}
    said = re.findall(r'\bsay\("([a-z ]+)"', (ROOT / "bot" / "set_up.py").read_text())
    assert shown <= logged() | set(said)
    assert [line for line in shown if line not in INSTALL] == []
    code = re.compile(r"[A-Z]{4}-[A-Z]{4}-[A-Z]{4}|[A-Z0-9]{4}(-[A-Z0-9]{4}){2}")
    assert code.fullmatch(new_code())
    codes = set(re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}\b", INSTALL))
    assert len(codes) == 1


def shown_commands() -> list[str]:
    """Every call of the command line that the pages show, whole."""
    quoted = re.findall(r"`((?:\.venv/bin/)?bellhop [a-z][^`]*)`", INSTALL + OPERATE)
    lines = [
        line[at.start() :]
        for block in BLOCKS
        for line in block.splitlines()
        if (at := re.search(r"(?<![\w/.@-])(?:\.venv/bin/)?bellhop (?=[a-z]+)", line))
        and not line.lstrip().startswith(("docker ", "{", "20"))
    ]
    return sorted({one.split(")")[0].rstrip('"') for one in (*quoted, *lines)})


@pytest.mark.parametrize("shown", shown_commands())
def test_commands_that_are_shown_exist_with_their_options(shown: str) -> None:
    words = shlex.split(shown, comments=True)[1:]
    command = typer.main.get_command(app)
    path: list[str] = []
    while words and (below := getattr(command, "commands", {}).get(words[0])) is not None:
        path.append(words.pop(0))
        command = below
    assert path, shown
    known = {name for one in command.params for name in one.opts}
    assert [word for word in words if word.startswith("--") and word not in known] == []


async def test_every_metric_is_explained_and_no_other(tmp_path: Path) -> None:
    section = OPERATE.split("## Metrics\n")[1].split("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    told = dict(re.findall(r"`(bellhop_\w+)(?:\{([\w,]+)\})?`", rows))
    async with desk(tmp_path, metrics_token="m" * 16, agent_command="true") as (place, alice):
        asked = await alice.ask()
        await place.ended(asked.id)
        url = f"{place.stage.settings.public_url}/metrics"
        headers = {"Authorization": f"Bearer {'m' * 16}"}
        async with place.session.get(url, headers=headers) as answer:
            text = await answer.text()
    found = {
        f"{family.name}_total" if family.type == "counter" else family.name: sorted(
            {label for sample in family.samples for label in sample.labels} - {"le"}
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("bellhop_")
    }
    assert found.keys() == told.keys()
    named = {name: sorted(told[name].split(",")) if told[name] else [] for name in found}
    assert {name for name in found if found[name] and found[name] != named[name]} == set()
