"""`bellhop rotate-key` as a process: what it prints, and that it may be killed at any moment."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bot.secret_key import NAME, WAITING
from storage import FolderLock
from tests.bot_processes import bellhop, clean_environment
from tests.rotating_places import GIVEN, Place, placed


def environment(place: Place) -> dict[str, str]:
    settings = {"BELLHOP_DATA": str(place.data)}
    if place.settings.secret_key is not None:
        settings["BELLHOP_SECRET_KEY"] = place.settings.secret_key.get_secret_value()
    if place.settings.secret_key_file is not None:
        settings["BELLHOP_SECRET_KEY_FILE"] = str(place.settings.secret_key_file)
    return settings


async def run(place: Place, *options: str) -> tuple[int, str, str]:
    return await bellhop(place.data.parent, "rotate-key", *options, **environment(place))


async def test_the_key_of_a_folder_is_replaced_and_not_printed(tmp_path: Path) -> None:
    place = placed(tmp_path, "data folder")
    await place.fill()
    code, output, errors = await run(place, "--leaked")
    assert (code, output) == (0, "1 secrets are sealed with a new key.\n")
    assert str(place.data / NAME) in errors
    assert (place.data / NAME).read_text().strip() not in output + errors
    vault, secret = await place.start()
    assert (secret, vault.former_worker_keys) == ("sk-precious", ())


@pytest.mark.parametrize("kind", ["setting", "file of a setting"])
async def test_a_key_of_the_settings_is_told_as_what_to_set(tmp_path: Path, kind: str) -> None:
    place = placed(tmp_path, kind)
    await place.fill()
    code, _, errors = await run(place)
    assert code == 0
    key = (place.data / WAITING).read_text().strip()
    assert (f"BELLHOP_SECRET_KEY={key}" in errors) is (kind == "setting")
    assert GIVEN not in errors
    assert (await place.with_key(key).start())[1] == "sk-precious"


async def test_what_keeps_it_from_it_is_told(tmp_path: Path) -> None:
    place = placed(tmp_path, "data folder")
    code, _, errors = await run(place)
    assert (code, "nothing is sealed" in errors) == (1, True)
    await place.fill()
    with FolderLock(place.data):
        code, _, errors = await run(place)
    assert (code, "in use by another Bellhop" in errors) == (1, True)
    (place.data / NAME).unlink()
    code, _, errors = await run(place)
    assert (code, "1 stored secrets" in errors) == (1, True)
    code, _, errors = await run(place, "--leave-others")
    assert (code, "1 could not be opened" in errors) == (0, True)


async def killed(place: Place, polls: int) -> bool:
    """Kill it some moments after it has begun; whether it was done by then."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "rotate-key"),
        cwd=place.data.parent,
        env=clean_environment(**environment(place)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    before = (place.data / NAME).stat().st_ino
    waiting = place.data / WAITING
    while process.returncode is None and not waiting.exists():
        if (place.data / NAME).stat().st_ino != before:
            break
        await _a_moment()
    for _ in range(polls):
        await _a_moment()
    if process.returncode is None:
        process.kill()
    return await process.wait() == 0


async def _a_moment() -> None:
    loop = asyncio.get_running_loop()
    moment = loop.create_future()
    loop.call_later(0.001, moment.set_result, None)
    await moment


async def test_it_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    place = placed(tmp_path, "data folder")
    first = await place.fill()
    for polls in (0, 2, 5, 9, 14, 20, 40):
        await killed(place, polls)
        vault, secret = await place.start()
        assert secret == "sk-precious", polls
        assert first.sign("a") in {vault.sign("a"), *vault.signed_before("a")}
        assert not (place.data / WAITING).exists()
