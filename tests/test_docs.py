"""The pages say what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr
from typer import Typer

from bot.app import opened
from bot.cli import app
from bot.github import app as github_app
from bot.github import calls
from bot.http import contract, worker_bodies
from bot.http.bodies import Body
from bot.http.pages import STATIC
from bot.http.sign_in_paths import CALLBACK, INSTALLED
from bot.http.sign_in_words import WORDS
from bot.settings import Settings
from docs.generated import HERE, PARTS, Part, fill
from handlers.commands import COMMANDS, CommandKind
from handlers.deliveries import _LISTENED
from handlers.options import _RULES
from handlers.repo_config import RepoConfig, json_schema, parse_config
from handlers.task import TRANSITIONS, Status
from handlers.values import ErrorCode
from tests.github_support import private_key
from worker.__main__ import REQUIRED

ROOT = HERE.parent
PAGES = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in (*ROOT.glob("*.md"), *HERE.glob("*.md"), ROOT / "worker" / "README.md")
}
OF_THE_WORKER = {*REQUIRED, "BELLHOP_RESULT_FILE", "BELLHOP_MODEL", "BELLHOP_PROVIDER"}
OF_THE_TESTS = {"BELLHOP_PAYLOADS"}
SETTINGS = {f"BELLHOP_{name.upper()}" for name in Settings.model_fields}


def page(name: str) -> str:
    return PAGES[f"docs/{name}"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_generated_parts_are_current(part: Part) -> None:
    assert page(part.page) == fill(page(part.page), part), "run `make docs`"


def test_a_page_without_a_place_for_its_part_is_told() -> None:
    with pytest.raises(ValueError, match=r"design\.md needs one line <!-- lifecycle"):
        fill("# Nothing\n", PARTS[0])


def test_the_diagram_has_every_move() -> None:
    diagram = PARTS[0].text()
    assert all(f"{one.source} --> {one.target}: {one.why}\n" in diagram for one in TRANSITIONS)
    assert all(str(status) in diagram for status in Status)


@pytest.mark.parametrize("kind", COMMANDS.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ["docs/commands.md", "README.md"])
def test_every_command_is_written_down(kind: CommandKind, name: str) -> None:
    row = next(line for line in PAGES[name].splitlines() if line.startswith(f"| `{kind.usage}` |"))
    who = row.split("|")[2]
    # A task is stopped or retried by those who may do what it does, too.
    assert kind.role.name.lower() in who or kind.name == "retry"


def test_no_command_is_written_down_that_is_none() -> None:
    rows = re.findall(r"^\| `/(\w+)", PAGES["docs/commands.md"] + PAGES["README.md"], re.MULTILINE)
    assert set(rows) == set(COMMANDS)


def test_every_option_is_written_down() -> None:
    assert re.findall(r"^\| `--([a-z-]+)`", page("commands.md"), re.MULTILINE) == list(_RULES)


def test_every_key_of_a_repository_is_written_down() -> None:
    keys = re.findall(r"^\| `(\w+)` \|", page("bellhop-yml.md"), re.MULTILINE)
    assert keys == list(json_schema()["properties"])


def test_the_examples_of_a_repository_are_some() -> None:
    examples: list[str] = re.findall(r"```yaml\n(.*?)```", page("bellhop-yml.md"), re.DOTALL)
    assert examples
    assert [one for one in examples if not isinstance(parse_config(one), RepoConfig)] == []


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("## GET /api/callbacks/task", worker_bodies.Assignment),
        ("## GET /api/callbacks/task", worker_bodies.GitHubToken),
        ("## GET /api/callbacks/task", worker_bodies.GitAuthor),
        ("## POST /api/callbacks/progress", worker_bodies.Progress),
        ("## POST /api/callbacks/progress", worker_bodies.LogReport),
        ("## POST /api/callbacks/progress", worker_bodies.UsageReport),
        ("## POST /api/callbacks/progress", worker_bodies.Orders),
        ("## POST /api/callbacks/token", worker_bodies.GitHubToken),
        ("## POST /api/callbacks/complete", worker_bodies.Completion),
        ("## POST /api/callbacks/complete", worker_bodies.ErrorReport),
        ("## POST /api/callbacks/complete", worker_bodies.Accepted),
    ],
)
def test_every_field_of_the_contract_is_written_down(heading: str, model: type[Body]) -> None:
    section = page("worker.md").split(f"{heading}\n")[1].split("\n## ")[0]
    names = [field.alias for field in model.model_fields.values()]
    assert [name for name in names if f"`{name}`" not in section] == []


def test_every_code_of_a_worker_is_written_down() -> None:
    codes = worker_bodies.ErrorReport.model_json_schema()["properties"]["code"]["enum"]
    told = page("worker.md").split("<!-- codes -->\n")[1].split("\n\n")[0]
    assert re.findall(r"`(\w+)`", told) == ["code", *codes]


def test_the_example_of_a_completion_is_one() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", page("worker.md"), re.DOTALL)
    assert worker_bodies.Completion.model_validate_json(example).status == "completed"


def test_the_contracts_version_is_the_codes() -> None:
    assert f"contract, version {contract.VERSION}\n" in page("worker.md")


async def routes(folder: Path) -> set[str]:
    settings = Settings(_env_file=None, app_id=1, private_key=SecretStr(private_key()), data=folder)  # pyright: ignore[reportCallIssue]
    async with opened(settings) as bellhop:
        resources = bellhop.application().router.resources()
        return {str(resource.canonical) for resource in resources}


async def test_every_route_is_written_down(tmp_path: Path) -> None:
    everything = "\n".join(PAGES.values())
    found = {route for route in await routes(tmp_path) if not route.startswith("/api/v1/")}
    assert "/api/webhooks/github" in found
    pushing = {route for route in found if route.startswith("/api/git/{task_id}/")}
    assert pushing
    assert "/api/git/<taskId>" in page("worker.md")
    assert [route for route in found - pushing - {STATIC} if route not in everything] == []


def test_every_code_of_an_error_is_written_down() -> None:
    section = page("operate.md").split("## Why a task failed\n")[1].split("\n## ")[0]
    told = [
        code
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", row)
    ]
    assert told == [str(code) for code in ErrorCode]


def test_every_command_of_the_command_line_is_written_down() -> None:
    def names(group: Typer) -> list[str]:
        return [one.name or one.callback.__name__ for one in group.registered_commands]

    below = [
        f"{one.name} {name}" for one in app.registered_groups for name in names(one.typer_instance)
    ]
    told = re.findall(r"^\| `bellhop ([a-z]+[a-z-]*(?: [a-z]+)?)", page("operate.md"), re.MULTILINE)
    assert sorted(told) == sorted(names(app) + below)


def logged() -> set[str]:
    """The text of every line that the bot can log."""
    calls_ = [
        node
        for path in (ROOT / "bot").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"_log", "log", "logger"}
        and node.func.attr in {"debug", "info", "warning", "error", "exception"}
    ]
    return {
        str(call.args[0].value).replace("%s", "…")
        for call in calls_
        if isinstance(call.args[0], ast.Constant)
    }


def test_every_line_of_the_log_is_explained() -> None:
    lines = logged()
    assert "listening" in lines
    section = page("operate.md").split("## What the log says\n")[1].split("\n## ")[0]
    assert [line for line in sorted(lines) if f"`{line}`" not in section] == []


def words_of(text: str) -> set[str]:
    """All that is called like a setting."""
    return set(re.findall(r"\bBELLHOP_[A-Z_]+[A-Z]\b", text))


@pytest.mark.parametrize(
    "name", [*PAGES, "Dockerfile", "fly.toml", "deploy/entrypoint", "app.yml", "worker/Dockerfile"]
)
def test_only_settings_that_exist_are_named(name: str) -> None:
    assert words_of((ROOT / name).read_text()) - SETTINGS - OF_THE_WORKER - OF_THE_TESTS == set()


def anchors(text: str) -> set[str]:
    """GitHub's anchors of the headings."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        there = (ROOT / name).parent / target if target else ROOT / name
        if not there.exists() or (anchor and anchor not in anchors(there.read_text())):
            broken.append(link)
    assert broken == []


def test_every_page_is_found_from_the_readme() -> None:
    assert [
        name for name in PAGES if name != "README.md" and f"]({name}" not in PAGES["README.md"]
    ] == []


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", "\n".join(PAGES.values()), re.MULTILINE))
    assert {"demo", "test", "check"} <= named
    assert named <= targets


APP = yaml.safe_load((ROOT / "app.yml").read_text())


def test_the_app_gets_the_events_that_the_bot_reads() -> None:
    always = {event for event in _LISTENED if event.startswith("installation")}
    always.add("github_app_authorization")
    events = set(APP["default_events"])
    assert events == _LISTENED.keys() - always


def test_the_app_may_do_what_the_bot_asks_for_and_no_more() -> None:
    asked: dict[str, str] = {}
    asks = (
        calls.READ,
        calls.TALK,
        calls.OPEN_PULLS,
        calls.MOVE_REFS,
        github_app.WORKER_PERMISSIONS,
    )
    for name, level in (item for one in asks for item in one.items()):
        asked[name] = max(asked.get(name, "read"), level)  # "read" < "write"
    assert APP["default_permissions"] == asked


def test_every_permission_is_explained() -> None:
    for name, level in APP["default_permissions"].items():
        assert f"| `{name}: {level}` |" in page("operate.md")


def test_the_app_sends_people_back_to_where_they_are_met() -> None:
    (callback,) = APP["callback_urls"]
    assert callback.endswith(CALLBACK)
    assert APP["setup_url"].endswith(INSTALLED)
    assert not APP["request_oauth_on_install"]


def test_every_reason_of_a_failed_sign_in_is_written_down() -> None:
    section = page("sign-in.md").split("<!-- words: one row each -->\n")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(WORDS)


def test_the_app_delivers_to_the_door() -> None:
    assert APP["hook_attributes"]["url"].endswith("/api/webhooks/github")
