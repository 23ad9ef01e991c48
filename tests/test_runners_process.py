"""The process runner with real processes: shell scripts stand in for the worker."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shlex
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runners import launcher
from bot.runners.base import Exit, LaunchFailed, WorkerKey, WorkerSpec
from bot.runners.folders import LOG_LIMIT, LOG_TAIL, cut, tail
from bot.runners.launching import reference_worker
from bot.runners.process import ProcessRunner
from bot.runners.refusal import refusal
from bot.runners.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

KEY = WorkerKey("0199-aa", 1, 2)
DEADLINE = 10.0
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start as another user")
STAY = "trap 'exit 7' TERM; echo up > up; while :; do sleep 0.05; done"
STUBBORN = "trap '' TERM; sleep 600 & echo $! > child; echo up > up; wait; sleep 600"


def spec(key: WorkerKey = KEY, **environment: str) -> WorkerSpec:
    return WorkerSpec(key=key, environment=environment, image=None, time_limit=60)


class Running:
    """A runner that is open, and what it told."""

    def __init__(self, folder: Path, script: str, **options: str) -> None:
        self.runner = ProcessRunner(folder, ["sh", "-c", script], **options)
        self.exits: asyncio.Queue[Exit] = asyncio.Queue()

    async def told(self) -> Exit:
        async with asyncio.timeout(DEADLINE):
            return await self.exits.get()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    workers = tmp_path / "workers"
    yield workers
    for record in workers.glob(f"*/{launcher.RECORD}"):
        process = WorkerProcess.read(record)
        if process and process.running():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.reap()


@asynccontextmanager
async def opened(folder: Path, script: str, **options: str) -> AsyncIterator[Running]:
    running = Running(folder, script, **options)
    await running.runner.open(running.exits.put)
    try:
        yield running
    finally:
        await running.runner.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  what is waited for is another process
            await asyncio.sleep(0.01)


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def home(folder: Path, key: WorkerKey = KEY) -> Path:
    return folder / str(key) / "home"


def process(folder: Path, key: WorkerKey = KEY) -> WorkerProcess:
    found = WorkerProcess.read(folder / str(key) / launcher.RECORD)
    assert found
    return found


def spawn(*command: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, **options)


def read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


async def test_a_worker_ends_and_its_code_and_last_words_are_told(folder: Path) -> None:
    async with opened(folder, "echo one; echo two >&2; exit 5") as running:
        await running.runner.start(spec())
        assert await running.told() == Exit(KEY, 5, "one\ntwo")
        assert await running.runner.alive() == set()


async def test_a_worker_sees_its_own_environment_and_nothing_of_the_bots(folder: Path) -> None:
    script = f"{shlex.quote(sys.executable)} -c " + shlex.quote(
        "import json, os, sys; open('seen', 'w').write(json.dumps([dict(os.environ), os.getcwd(),"
        " os.getsid(0) == os.getpid() or os.getsid(0) == os.getppid(), sys.stdin.read()]))"
    )
    async with opened(folder, script) as running:
        await running.runner.start(spec(BELLHOP_TOKEN="t"))
        await running.told()
    environment, cwd, own_session, stdin = json.loads((home(folder) / "seen").read_text())
    assert set(environment) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "BELLHOP_TOKEN",
        "HOME",
        "LANG",
        "PATH",
        "TMPDIR",
    }
    assert (cwd, own_session, stdin) == (str(home(folder)), True, "")
    assert environment["HOME"] == cwd
    assert Path(environment["TMPDIR"]).parent == home(folder)
    assert home(folder).parent.stat().st_mode & 0o777 == 0o700


async def test_a_worker_inherits_its_lock_and_no_other_descriptor(folder: Path) -> None:
    script = "ls -l /proc/$$/fd > ls.out"
    async with opened(folder, script) as running:
        await running.runner.start(spec())
        await running.told()
    targets = [line.split(" -> ")[1] for line in (home(folder) / "ls.out").read_text().split("\n")
               if " -> " in line]  # fmt: skip
    own = folder / str(KEY)
    beyond = [target for target in targets if target not in {"/dev/null", str(own / "log")}]
    assert set(beyond) <= {str(own / "lock"), str(home(folder) / "ls.out")}
    assert str(own / "lock") in beyond


async def test_the_same_key_is_the_same_worker_however_often_it_is_started(folder: Path) -> None:
    async with opened(folder, f"echo x >> starts; {STAY}") as running:
        await asyncio.gather(*(running.runner.start(spec()) for _ in range(4)))
        await until((home(folder) / "up").exists)
        assert (home(folder) / "starts").read_text() == "x\n"
        assert await running.runner.alive() == {KEY}
        await running.runner.stop(KEY, 5)
        await running.told()
        await running.runner.start(spec())
        assert await running.runner.alive() == set()
        assert (home(folder) / "starts").read_text() == "x\n"
        assert running.exits.empty()


async def test_stop_asks_first_and_returns_when_the_worker_is_gone(folder: Path) -> None:
    async with opened(folder, STAY) as running:
        await running.runner.start(spec())
        await until((home(folder) / "up").exists)
        await running.runner.stop(KEY, 5)
        assert not process(folder).running()
        assert (await running.told()).code == 7
        await running.runner.stop(KEY, 5)


async def test_stop_ends_what_does_not_listen_with_all_its_children(folder: Path) -> None:
    background = 'setpgid=1 python3 -c \'import os,time; os.setpgid(0,0); open("other","w")'
    background += ".write(str(os.getpid())); time.sleep(600)' & while ! [ -s other ]; do :; done; "
    async with opened(folder, background + STUBBORN) as running:
        await running.runner.start(spec())
        await until((home(folder) / "up").exists)
        children = [int((home(folder) / name).read_text()) for name in ("child", "other")]
        assert all(launcher.identity(child) for child in children)
        await running.runner.stop(KEY, 0.1)
        assert not process(folder).running()
        assert not any(launcher.identity(child) for child in children)
        assert (await running.told()).code == -signal.SIGKILL


async def test_what_a_worker_leaves_running_ends_with_it(folder: Path) -> None:
    async with opened(folder, "sleep 600 & echo $! > child") as running:
        await running.runner.start(spec())
        assert (await running.told()).code == 0
        child = int((home(folder) / "child").read_text())
        assert launcher.identity(child) is None


LEAVES = (
    "( trap '' TERM; {how} sh -c 'echo $$ > left; exec sleep 600' ) & "
    "until test -s left; do sleep 0.01; done; "
)


@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=AS_ROOT)])
@pytest.mark.parametrize("stays", [True, False])
async def test_what_left_the_workers_session_ends_with_it(user: str | None, stays: bool) -> None:
    workers = Path("/tmp") / f"bellhop-test-{os.getpid()}"
    script = LEAVES.format(how="HOME=$HOME/place/home setsid") + (STAY if stays else "exit 0")
    try:
        async with opened(workers, script, **({"user": user} if user else {})) as running:
            await running.runner.start(spec())
            if stays:
                await until((home(workers) / "up").exists)
                await running.runner.stop(KEY, 5)
            await running.told()
            left = int((home(workers) / "left").read_text())
            assert os.getsid(0) != left
            assert launcher.identity(left) is None
    finally:
        await ProcessRunner(workers, ["true"]).forget(KEY)
        workers.rmdir()


async def test_another_workers_processes_are_left_alone(folder: Path) -> None:
    other = WorkerKey(KEY.task_id, KEY.attempt, 20)
    async with opened(folder, LEAVES.format(how="setsid") + STAY) as running:
        for key in (KEY, other):
            await running.runner.start(spec(key))
            await until((home(folder, key) / "up").exists)
        await running.runner.stop(KEY, 5)
        left = [int((home(folder, key) / "left").read_text()) for key in (KEY, other)]
        assert [launcher.identity(pid) is None for pid in left] == [True, False]
        await running.runner.stop(other, 5)
        assert launcher.identity(left[1]) is None


async def test_a_worker_outlives_the_runner_and_is_adopted(folder: Path) -> None:
    async with opened(folder, STAY) as first:
        await first.runner.start(spec())
        await until((home(folder) / "up").exists)
    assert process(folder).running()
    async with opened(folder, "exit 1") as second:
        assert await second.runner.alive() == {KEY}
        await second.runner.start(spec())
        os.kill(process(folder).pid, signal.SIGTERM)
        assert await second.told() == Exit(KEY, 7, "")
        assert second.exits.empty()


async def test_an_end_that_nobody_watched_is_told_once_with_what_is_known(folder: Path) -> None:
    starter = await _started_elsewhere(folder, "echo last words")
    assert starter == 0
    await until(lambda: not process(folder).running())
    async with opened(folder, "exit 1") as second:
        assert await second.told() == Exit(KEY, None, "last words")
        await until((folder / str(KEY) / "reported").exists)
    async with opened(folder, "exit 1") as third:
        await third.runner.start(spec())
        assert third.exits.empty()
        assert await third.runner.alive() == set()


async def test_an_end_that_was_not_taken_is_told_again(folder: Path) -> None:
    runner = ProcessRunner(folder, ["true"])

    async def refuse(_: Exit) -> None:
        called.set()
        raise ValueError("the database is busy")

    called = asyncio.Event()
    await runner.open(refuse)
    await runner.start(spec())
    await asyncio.wait_for(called.wait(), DEADLINE)
    await runner.close()
    async with opened(folder, "exit 1") as second:
        assert (await second.told()).key == KEY


STARTER = """
import asyncio, sys
from pathlib import Path
from bot.runners.base import WorkerKey, WorkerSpec
from bot.runners.process import ProcessRunner

async def told(end): ...

async def main():
    runner = ProcessRunner(Path(sys.argv[1]), ["sh", "-c", sys.argv[2]])
    await runner.open(told)
    key = WorkerKey.parse(sys.argv[3])
    await runner.start(WorkerSpec(key=key, environment={}, image=None, time_limit=1))

asyncio.run(main())
"""


async def _started_elsewhere(
    folder: Path, script: str, kill_when: Callable[[], bool] | None = None
) -> int:
    """Start a worker from a bot of its own, which ends, or is killed at a moment of choice."""
    starter = spawn(sys.executable, "-c", STARTER, str(folder), script, str(KEY))
    if kill_when is not None:
        await until(lambda: kill_when() or starter.poll() is not None)
        starter.kill()
    return await asyncio.to_thread(starter.wait)


@pytest.mark.parametrize("moment", ["home", "lock", f"{launcher.RECORD}.new", "record.json"])
async def test_killed_in_the_midst_of_a_start_there_are_never_two(
    folder: Path, moment: str
) -> None:
    """Whichever step the starter was killed at, the start repeated leads to exactly one worker."""
    await _started_elsewhere(
        folder, f"echo x >> starts; {STAY}", (folder / str(KEY) / moment).exists
    )
    async with opened(folder, f"echo x >> starts; {STAY}") as second:
        await second.runner.start(spec())
        await until((home(folder) / "up").exists)
        assert (home(folder) / "starts").read_text() == "x\n"
        assert await second.runner.alive() == {KEY}
        await second.runner.stop(KEY, 5)
        await second.told()
        assert second.exits.empty()


async def test_a_launcher_that_comes_second_gives_up(folder: Path) -> None:
    """Two launchers for one folder at the same moment, as a killed starter leaves one behind."""
    home(folder).mkdir(parents=True)
    told, status = os.pipe()
    own = str(folder / str(KEY))
    command = ["sh", "-c", f"echo x >> starts; {STAY}"]
    environment = {"HOME": str(home(folder)), "PATH": os.environ["PATH"]}
    launchers = [
        spawn(
            *(sys.executable, "-IS", launcher.__file__, own, str(status), "", "", *command),
            env=environment,
            pass_fds=[status],
            start_new_session=True,
        )
        for _ in range(5)
    ]
    os.close(status)
    assert await asyncio.to_thread(read_all, told) == launcher.HELD.encode() * 4
    await until((home(folder) / "up").exists)
    assert (home(folder) / "starts").read_text() == "x\n"
    os.killpg(process(folder).pid, signal.SIGTERM)
    assert sorted(child.wait() for child in launchers) == [0, 0, 0, 0, 7]


async def test_a_command_that_cannot_run_fails_the_launch_and_leaves_nothing(
    folder: Path,
) -> None:
    runner = ProcessRunner(folder, ["no-such-command"])
    with pytest.raises(LaunchFailed, match="program could not be run") as caught:
        await runner.start(spec())
    assert "No such file or directory: no-such-command" in caught.value.private
    assert not caught.value.retryable
    assert not (folder / str(KEY)).exists()


async def test_a_folder_that_cannot_be_made_fails_the_launch(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("a file is in the way")
    with pytest.raises(LaunchFailed, match="Not a directory") as caught:
        await ProcessRunner(tmp_path / "workers", ["true"]).start(spec())
    assert str(tmp_path) not in caught.value.detail
    assert str(tmp_path) in caught.value.private
    assert caught.value.retryable


async def test_starting_before_opening_is_a_mistake_that_is_told(folder: Path) -> None:
    with pytest.raises(RuntimeError, match=r"open\(\) comes first"):
        await ProcessRunner(folder, ["true"]).start(spec())


async def test_forget_removes_the_folder_and_ends_what_runs(folder: Path) -> None:
    async with opened(folder, f"mkdir -p sealed/in; chmod 0 sealed; {STAY}") as running:
        await running.runner.start(spec())
        await until((home(folder) / "up").exists)
        seen = process(folder)
        await running.runner.forget(KEY)
        assert not seen.running()
        assert names_in(folder) == []
        await running.told()
        await running.runner.forget(KEY)


async def test_a_removal_that_was_broken_off_is_finished_at_the_next_start(folder: Path) -> None:
    (folder / f"{KEY}.gone" / "home").mkdir(parents=True)
    async with opened(folder, "true"):
        assert names_in(folder) == []


async def test_a_stranger_with_the_same_process_id_is_left_alone(folder: Path) -> None:
    stranger = spawn("sleep", "600", start_new_session=True)
    record = folder / str(KEY) / launcher.RECORD
    record.parent.mkdir(parents=True)
    known = launcher.identity(stranger.pid)
    assert known
    record.write_text(json.dumps({"pid": stranger.pid, "identity": known + "0"}))
    (folder / "notes").mkdir()
    (folder / "notes" / launcher.RECORD).write_text(record.read_text())
    async with opened(folder, "true") as running:
        assert await running.told() == Exit(KEY, None, "")
        assert await running.runner.alive() == set()
        await running.runner.stop(KEY, 0)
        await running.runner.forget(KEY)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_the_end_of_a_long_log_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab") as writer:
        writer.write(b"x" * LOG_LIMIT + b"\nnearly last\n")
        writer.flush()
        cut(log)
        writer.write(b"last\n")
        writer.flush()
        assert log.stat().st_size < LOG_LIMIT / 10
        assert log.read_bytes() == b"nearly last\nlast\n"
        cut(log)
        assert log.read_bytes().endswith(b"\nlast\n")
    cut(tmp_path / "absent")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start workers as another user")
async def test_a_worker_runs_as_another_user_who_cannot_touch_its_record() -> None:
    nobody = pwd.getpwnam("nobody")
    # pytest's own folders are closed to other users, and so this one is elsewhere.
    workers = Path("/tmp") / f"bellhop-test-{os.getpid()}"
    try:
        async with opened(
            workers, "id -u; id -g; id -G; touch own; touch ../record.json; exit 3", user="nobody"
        ) as running:
            await running.runner.start(spec())
            end = await running.told()
        assert end.code == 3
        assert end.detail.split("\n")[:3] == [str(nobody.pw_uid), *[str(nobody.pw_gid)] * 2]
        assert "Permission denied" in end.detail
        assert (home(workers) / "own").stat().st_uid == nobody.pw_uid
        assert home(workers).stat().st_mode & 0o777 == 0o700
    finally:
        await ProcessRunner(workers, ["true"]).forget(KEY)
        workers.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start workers as another user")
async def test_a_user_who_cannot_reach_the_folder_is_told_so(tmp_path: Path) -> None:
    assert tmp_path.stat().st_mode & 0o077 == 0  # noqa: ASYNC240  pytest's folders are its own
    runner = ProcessRunner(tmp_path / "workers", ["true"], user="nobody")
    with pytest.raises(LaunchFailed, match="may not run the worker's program") as caught:
        await runner.start(spec())
    assert str(tmp_path) not in caught.value.detail
    assert f"user nobody in {tmp_path}" in caught.value.private


@pytest.mark.skipif(os.geteuid() != 0, reason="others are refused before the name is looked at")
async def test_a_user_who_is_not_there_fails_the_launch(folder: Path) -> None:
    runner = ProcessRunner(folder, ["true"], user="no-such-user")
    with pytest.raises(LaunchFailed, match="no system user no-such-user") as caught:
        await runner.start(spec())
    assert not caught.value.retryable


async def test_the_reference_worker_is_the_default_and_sees_no_other_package(
    folder: Path,
) -> None:
    runner = ProcessRunner(folder)
    exits: asyncio.Queue[Exit] = asyncio.Queue()
    await runner.open(exits.put)
    await runner.start(spec())
    end = await asyncio.wait_for(exits.get(), DEADLINE)
    await runner.close()
    assert end.code == 2
    assert "BELLHOP_URL" in end.detail
    assert reference_worker()[:3] == [sys.executable, "-I", "-S"]


def test_ps_tells_the_same_of_the_same_process() -> None:
    state, start = launcher.by_ps(os.getpid())
    assert (state, start) == (state, launcher.by_ps(os.getpid())[1])
    assert state in "RS"
    assert start
    assert launcher.by_ps(2**22 + 1) == ("", "")


@given(st.text("abcdef0123456789-", min_size=1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_key_is_read_back_as_it_was_written(task: str, attempt: int, launch: int) -> None:
    key = WorkerKey(task, attempt, launch)
    assert WorkerKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "a", "a-1", "-1-2", "a-b-1", "a-01-1", "a-1-", "a-1- 2"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        WorkerKey.parse(text)


@pytest.mark.parametrize(
    ("simulator", "user", "unsafe", "allowed"),
    [
        (True, None, False, True),
        (True, "bellhop", False, True),
        (False, "bellhop", False, True),
        (False, None, True, True),
        (False, None, False, False),
        (False, "", False, False),
    ],
)
def test_workers_beside_real_secrets_need_a_user_or_consent(
    simulator: bool, user: str | None, unsafe: bool, allowed: bool
) -> None:
    answer = refusal(github_is_simulator=simulator, worker_user=user, unsafe=unsafe)
    if allowed:
        assert answer is None
    else:
        assert answer
        assert "BELLHOP_WORKER_USER" in answer
        assert "BELLHOP_UNSAFE_PROCESS_RUNNER=1" in answer


async def test_a_removal_that_was_cut_off_or_meets_another_is_finished(folder: Path) -> None:
    runner = ProcessRunner(folder, ["true"])
    for name in (str(KEY), f"{KEY}.gone"):
        deep = folder / name / "home"
        for depth in range(100):
            deep /= str(depth % 10)
        deep.mkdir(parents=True)
    await asyncio.gather(*(runner.forget(KEY) for _ in range(4)))
    assert names_in(folder) == []


def test_the_end_of_a_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    log, secret = tmp_path / "log", "key-of-alice-0123456789"
    log.write_text(f"{secret}\nlast\n")
    assert tail(log) == f"{secret}\nlast"
    log.write_text(f"{secret}\n{'x' * (LOG_TAIL - 10)}\n")
    assert tail(log) == "x" * (LOG_TAIL - 10), "of the key nine characters were read"
    log.write_text("y" * 2 * LOG_TAIL)
    assert tail(log) == "y" * LOG_TAIL
    assert tail(tmp_path / "none") == ""
