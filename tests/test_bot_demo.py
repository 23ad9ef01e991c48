from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.demo.commits import Commit, GitFailed, head_of
from bot.demo.offline import OfflineGitHub, Place, Pull, Reaction, Remark, Repository, Thread
from bot.demo.play import ASK, _invite
from bot.demo.stage import AGENT, staged
from bot.demo.steps import missing
from bot.demo.world import World
from handlers.comment_form import marker
from simulator.__main__ import facts
from simulator.auth import Actor
from simulator.seed import FILES
from tests.bot_processes import PATIENCE, bellhop, clean_environment
from tests.simulator_support import receiving, running

BOT = "bellhop[bot]"
ASKED = 11


async def test_once_ends_well_and_tells_every_step(tmp_path: Path) -> None:
    # What the user set for a Bellhop of their own is nothing to the demonstration.
    own = {"BELLHOP_PORT": "none", "BELLHOP_APP_ID": "5", "TMPDIR": str(tmp_path)}
    code, output, errors = await bellhop(tmp_path, "demo", "--once", **own)
    assert (code, errors) == (0, "")
    told = (
        "comments on #1: /fix",
        "GitHub delivers issue_comment.created",
        "/fix was admitted",
        "Bellhop reacts to octo-dev's comment",
        "status comment is on #1",
        "a worker has begun",
        "pushed ",
        "by bellhop[bot], “Count the last page",
        "Pull request #2",
        "closes #1",
        "Bellhop comments on #1: 🛎️ Done: http://",
        "The status comment ends: ✅",
        "Everything is there.",
    )
    assert [words for words in told if words not in output] == []
    assert "\x1b" not in output
    assert _left(tmp_path) == [], "the demonstration's folder is removed"


async def test_ctrl_c_ends_it_with_all_that_it_started(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo"),
        cwd=tmp_path,
        env=clean_environment(TMPDIR=str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"agent command is at work" not in (line := await process.stdout.readline()):
            assert line, "it went on until the agent was at work"
        pids = _processes(tmp_path)
        assert len(pids) == 2
        process.send_signal(signal.SIGINT)
        output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert b"Stopping" in output
    assert not [pid for pid in pids if _runs(pid)]
    assert _left(tmp_path) == []


async def test_people_sign_in_to_the_demonstration(tmp_path: Path) -> None:
    async with (
        staged(tmp_path, [], 0.0) as stage,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        begin = f"{stage.bot_url}/api/auth/github?next=/api/sessions"
        async with browser.get(begin, headers={"Accept": "text/html"}) as page:
            text = await page.text()
            assert str(page.url).startswith(stage.place.url)
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
        form["user"] = stage.place.writer
        action = f"{stage.place.url}/login/oauth/authorize"
        async with browser.post(action, data=form, headers={"Accept": "text/html"}) as there:
            assert str(there.url) == f"{stage.bot_url}/api/sessions"
            (session,) = (await there.json())["sessions"]
        assert session["current"] is True
        async with browser.get(f"{stage.bot_url}/api/auth/diagnostics") as told:
            assert (await told.json())["ok"] is True


async def test_looking_costs_nothing_of_the_apps_requests(tmp_path: Path) -> None:
    """It looks several times a second, for as long as somebody likes to look on."""
    async with running(tmp_path) as here, receiving() as hook:
        hook.text = '{"taskIds": ["t"]}'
        window = here.sim.limits.window(Actor("app"))
        window.used = window.limit - 1
        issue = here.sim.open_issue(here.repo, author="alice", title="T")
        github = OfflineGitHub(here.session, Place.model_validate(facts(here.sim, issue)))
        await github.deliver_to(hook.url)
        here.sim.comment(issue, author="alice", body=ASK)
        await here.sim.settled()
        for _ in range(3):
            state = await github.state()
            told = [(one.event, one.status_code, one.task_ids) for one in state.deliveries]
            assert told == [("issue_comment", 202, ("t",))]
            assert set(state.repositories) == {"acme/widgets"}
        assert window.remaining == 1


async def test_the_last_lines_of_a_child_that_died_hold_no_key(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo"),
        cwd=tmp_path,
        env=clean_environment(TMPDIR=str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"Bellhop listens" not in (line := await process.stdout.readline()):
            assert line, "it went on until everything ran"
        os.kill(_processes(tmp_path)[0], signal.SIGKILL)
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"The last lines of The offline GitHub:" in errors
    assert b"PRIVATE KEY" not in errors
    assert b"webhookSecret" not in errors


def _left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _processes(folder: Path) -> list[int]:
    """The bot's and the worker's."""
    (data,) = folder.glob("bellhop-demo-*/data")
    workers = [json.loads(one.read_text())["pid"] for one in data.glob("workers/*/record.json")]
    return [int((data / "bellhop.lock").read_text()), *workers]


def _runs(pid: int) -> bool:
    """Whether a process is there and is no zombie, which only waits to be counted."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


async def test_a_bot_that_does_not_start_is_told_with_its_last_lines(tmp_path: Path) -> None:
    """Without git there is no offline GitHub."""
    (tmp_path / "bin").mkdir()
    code, _, errors = await bellhop(
        tmp_path, "demo", "--once", PATH=str(tmp_path / "bin"), TMPDIR=str(tmp_path)
    )
    assert code == 1
    assert "The last lines of The offline GitHub:" in errors
    assert "'git'" in errors
    assert "The demonstration failed: The offline GitHub did not start" in errors


def _agent(folder: Path, prompt: str) -> tuple[dict[str, str], str]:
    result = folder / "result.json"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(AGENT), "0"],
        cwd=folder / "checkout",
        env={"PATH": os.defpath, "BELLHOP_RESULT_FILE": str(result)},
        input=f"{prompt}\n\nThe issue says more.\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.read_text()), done.stdout


def _checkout(folder: Path) -> Path:
    for name, text in FILES.items():
        file = folder / "checkout" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "checkout"


def test_the_agent_mends_the_bug_once(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    result, output = _agent(tmp_path, "mend it")
    assert result["title"] == "Count the last page, even if it is not full"
    assert "21 widgets need 2 pages" in output
    assert output.strip().endswith("21 widgets need 3 pages")
    assert "pages(21, 10) == 3" in (checkout / "tests/test_paging.py").read_text()
    before = {file: file.read_text() for file in checkout.rglob("*") if file.is_file()}
    assert len(before) == len(FILES), "nothing else is left behind"
    result, _ = _agent(tmp_path, "mend it again")
    assert "nothing to mend" in result["summary"]
    assert {file: file.read_text() for file in before} == before


def test_the_agent_answers_a_question_and_changes_nothing(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    result, _ = _agent(tmp_path, "why is a page missing?")
    assert "rounds down" in result["summary"]
    assert (checkout / "widgets/paging.py").read_text() == FILES["widgets/paging.py"]


async def test_git_says_why_a_branch_cannot_be_looked_at(tmp_path: Path) -> None:
    assert shutil.which("git")
    with pytest.raises(GitFailed, match="does not appear to be a git repository"):
        await head_of(str(tmp_path), "main")


PLACE = Place(
    url="http://127.0.0.1:1",
    api_url="http://127.0.0.1:1/api",
    app_id=1,
    slug="bellhop",
    client_id="Iv",
    client_secret="",
    private_key="",
    webhook_secret="",
    repository="acme/widgets",
    clone_url="",
    issue_number=1,
    issue_url="",
    writer="octo-dev",
    control_url="",
)
EYES = Reaction(user=BOT, content="eyes")
QUESTION = Remark(id=ASKED, author="octo-dev", body="/fix", reactions=(EYES,))
STATUS = Remark(id=12, author=BOT, body=f"✅\n\n{marker('t/status', 'x')}")
LINK = Remark(id=13, author=BOT, body=f"Done: http://pull/2\n\n{marker('t/1/final', 'x')}")
PULL = Pull(
    number=2, title="P", state="open", url="http://pull/2", head="b", base="main", closes=(1,)
)
OURS = Commit("abc", BOT, "Mend", ())


def _world(
    *comments: Remark, pulls: tuple[Pull, ...] = (PULL,), commit: Commit | None = OURS
) -> World:
    issue = Thread(number=1, title="I", state="open", url="", comments=comments)
    repository = Repository(branches=("main", "b"), issues=(issue,), pulls=pulls)
    return World(PLACE, repository, (), (), {"b": commit} if commit else {})


def test_who_goes_on_alone_hears_where_and_as_whom(capsys: pytest.CaptureFixture[str]) -> None:
    _invite(_world(QUESTION), "http://bellhop.test")
    said = capsys.readouterr().out
    assert "http://bellhop.test/ (sign in as octo-dev" in said, "the tasks are theirs"


@pytest.mark.parametrize(
    ("world", "lacking"),
    [
        (_world(QUESTION, STATUS, LINK), []),
        (_world(QUESTION.model_copy(update={"reactions": ()}), STATUS, LINK), ["reaction"]),
        (_world(QUESTION, LINK), ["one status comment (there are 0)"]),
        (_world(QUESTION, STATUS, STATUS, LINK), ["one status comment (there are 2)"]),
        (_world(QUESTION, STATUS), ["link (there are 0)"]),
        (_world(QUESTION, STATUS, LINK, LINK), ["link (there are 2)"]),
        (_world(QUESTION, STATUS, LINK, commit=None), ["a commit"]),
        (_world(QUESTION, STATUS, LINK, commit=Commit("a", "octo-dev", "", ())), ["a commit"]),
        (
            _world(QUESTION, STATUS, LINK, pulls=(PULL.model_copy(update={"closes": ()}),)),
            ["closes the issue", "link (there are 0)"],
        ),
    ],
)
def test_what_is_missing_in_the_end_is_named(world: World, lacking: list[str]) -> None:
    found = missing(world, ASKED)
    assert len(found) == len(lacking)
    assert all(words in what for words, what in zip(lacking, found, strict=True))
