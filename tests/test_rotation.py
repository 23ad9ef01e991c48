"""`bellhop rotate-key`: another key for all that is sealed, wherever it is cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.beside import beside
from bot.doctor.findings import Evidence, Finding
from bot.doctor.local import secret_key as secret_key_finding
from bot.rotation import (
    BELIEVED,
    NotRotated,
    vault_with_history,
    what_to_set,
)
from bot.runners.base import WorkerKey
from bot.secret_key import NAME, WAITING, begin_change, secret_key
from bot.settings import Settings
from bot.vault import KEY_BYTES, Vault, WrongKey, print_of
from bot.worker_tokens import WorkerTokens
from storage import FolderInUse, FolderLock
from storage.sealed import Change, FormerKey
from tests.github_support import private_key
from tests.makers import ADA, ID, NOON, SECOND
from tests.rotating_places import KINDS, Place, placed

LAUNCH = WorkerKey(ID, 1, 1)


@pytest.fixture(params=KINDS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return placed(tmp_path, request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    """A place whose key is in its data folder."""
    return placed(tmp_path, "data folder")


async def test_everything_opens_with_the_new_key_and_nothing_with_the_former(place: Place) -> None:
    former = await place.fill()
    made = await place.rotate()
    assert (made.done, made.left) == (1, 0)
    vault, secret = await place.start()
    assert secret == "sk-precious"
    with pytest.raises(WrongKey):
        former.unseal(vault.seal("x"))
    with pytest.raises(WrongKey):
        vault.unseal(former.seal("x"))


async def test_the_new_key_of_a_folder_is_in_its_file_alone(folder: Place) -> None:
    await folder.fill()
    before = (folder.data / NAME).read_text()
    made = await folder.rotate()
    assert made.setting is None
    assert (folder.data / NAME).read_text() == f"{made.key}\n" != before
    assert (folder.data / NAME).stat().st_mode & 0o777 == 0o600
    assert not (folder.data / WAITING).exists()
    assert len(secret_key(folder.settings)) == KEY_BYTES
    assert made.key not in repr(made)


@pytest.mark.parametrize("kind", ["setting", "file of a setting"])
async def test_a_key_of_the_settings_waits_until_it_is_set(tmp_path: Path, kind: str) -> None:
    place = placed(tmp_path, kind)
    await place.fill()
    made = await place.rotate()
    told = what_to_set(place.settings, made)
    assert str(place.data / WAITING) in told
    assert (made.key in told) is (kind == "setting")
    with pytest.raises(NotRotated, match=f"set {made.setting} to what"):
        await place.rotate()
    assert (await place.start())[1] == "sk-precious", "with the former key set"
    assert (place.data / WAITING).exists()
    later = place.with_key(made.key)
    assert (await later.start())[1] == "sk-precious"
    assert not (later.data / WAITING).exists()
    again = await later.rotate()
    assert (again.done, again.key == made.key) == (3, False)
    assert (await later.with_key(again.key).start())[1] == "sk-precious"


async def test_what_the_former_keys_signed_is_known(folder: Place) -> None:
    first = await folder.fill()
    await folder.rotate()
    second, _ = await folder.start()
    await folder.rotate()
    vault, _ = await folder.start()
    assert vault.sign("a") not in {first.sign("a"), second.sign("a")}
    assert vault.signed_before("a") == (second.sign("a"), first.sign("a"))
    assert len(vault.former_worker_keys) == 2


@pytest.mark.parametrize("leaked", [False, True])
async def test_workers_at_work_are_known_for_as_long_as_they_may_speak(
    folder: Place, *, leaked: bool
) -> None:
    former = await folder.fill()
    token = WorkerTokens(former.worker_key).make(LAUNCH)
    await folder.rotate(leaked=leaked)
    vault, _ = await folder.start()
    now = NOON + BELIEVED - SECOND
    tokens = WorkerTokens(vault.worker_key, vault.former_worker_keys, lambda: now)
    assert tokens.read(token) == (None if leaked else LAUNCH)
    assert tokens.make(LAUNCH) != token
    assert tokens.read(tokens.make(LAUNCH)) == LAUNCH
    now += SECOND
    assert tokens.read(token) is None


async def test_a_key_that_leaked_takes_those_before_it_along(folder: Place) -> None:
    """It opens what the database keeps of them; and the change before may have been for that."""
    first = await folder.fill()
    await folder.rotate()
    await folder.rotate(leaked=True)
    vault, _ = await folder.start()
    tokens = WorkerTokens(vault.worker_key, vault.former_worker_keys, lambda: NOON)
    assert tokens.read(WorkerTokens(first.worker_key).make(LAUNCH)) is None
    assert len(vault.signed_before("a")) == 2, "comments are known by all of them"
    await folder.rotate()
    vault, _ = await folder.start()
    assert len(vault.former_worker_keys) == 1, "what comes later is believed as ever"


async def cut_off_before_the_database(place: Place) -> None:
    begin_change(place.settings)


async def cut_off_after_the_database(place: Place) -> None:
    """What the database says counts, though no file has its right name yet."""
    old = Vault(secret_key(place.settings))
    key, _ = begin_change(place.settings)
    new = Vault(key)
    former = FormerKey(new.seal_bytes(old.marker_key), None, NOON)

    def reseal(sealed: bytes) -> bytes:
        return new.seal_bytes(old.unseal_bytes(sealed))

    async with place.store() as store:
        await store.change_key(Change(reseal, former, print_of(key)), leave_others=False)


@pytest.mark.parametrize("cut", [cut_off_before_the_database, cut_off_after_the_database])
async def test_wherever_it_is_cut_off_the_database_opens(
    place: Place, cut: Callable[[Place], Awaitable[None]]
) -> None:
    await place.fill()
    await cut(place)
    looked = secret_key(place.settings)
    for _ in range(2):
        vault, secret = await place.start()
        assert secret == "sk-precious"
        assert vault.sign("a") == Vault(looked).sign("a"), "commands beside it use the same key"
    if not (place.data / WAITING).exists():
        made = await place.rotate()
        assert made.done
        assert (await place.start())[1] == "sk-precious"


async def test_a_key_that_waits_is_never_destroyed(tmp_path: Path) -> None:
    """Another database may be there for a while: a backup, or one of a mistyped name."""
    place = placed(tmp_path, "setting")
    await place.fill()
    before = (place.data / "bellhop.db").read_bytes()
    made = await place.rotate()
    after = (place.data / "bellhop.db").read_bytes()
    (place.data / "bellhop.db").write_bytes(before)
    assert (await place.start())[1] == "sk-precious"
    assert not (place.data / WAITING).exists()
    (aside,) = place.data.glob(f"{NAME}.*")
    assert aside.stat().st_mode & 0o777 == 0o600
    (place.data / "bellhop.db").write_bytes(after)
    assert (await place.with_key(aside.read_text().strip()).start())[1] == "sk-precious"
    assert aside.read_text() == f"{made.key}\n"


async def test_a_secret_that_the_key_does_not_open_stops_it(folder: Place) -> None:
    await folder.fill()
    (folder.data / NAME).unlink()
    before = secret_key(folder.settings)
    with pytest.raises(NotRotated, match="1 stored secrets were sealed with another key"):
        await folder.rotate()
    assert secret_key(folder.settings) == before
    assert {one.name for one in folder.data.glob(f"{NAME}*")} == {NAME}
    made = await folder.rotate(leave_others=True)
    assert (made.done, made.left) == (0, 1)


async def test_a_former_key_that_cannot_be_opened_is_done_without(folder: Place) -> None:
    await folder.fill()
    await folder.rotate()
    async with folder.store() as store:
        vault = await vault_with_history(b"another key", store)
    assert vault.signed_before("a") == ()


async def test_it_waits_for_bellhop_to_stop(folder: Place) -> None:
    await folder.fill()
    before = secret_key(folder.settings)
    with FolderLock(folder.data), pytest.raises(FolderInUse):
        await folder.rotate()
    assert secret_key(folder.settings) == before


async def test_nothing_is_sealed_with_a_key_that_was_replaced_meanwhile(folder: Place) -> None:
    """A command beside it asks GitHub who somebody is, which takes time."""
    await folder.fill()
    pem = SecretStr(private_key())
    settings = folder.settings.model_copy(update={"private_key": pem})
    async with beside(settings) as place:
        assert await place.desk.new_webhook_secret(ADA)
        await folder.rotate()
        with pytest.raises(WrongKey, match="Try again"):
            await place.desk.new_webhook_secret(ADA)
        assert len(await place.store.people.webhook_secrets_of(ADA.id)) == 1
    async with beside(settings) as place:
        assert await place.desk.new_webhook_secret(ADA)
    made = await folder.rotate()
    assert made.left == 0, "everything opens"


async def test_without_a_database_there_is_nothing_to_seal(folder: Place) -> None:
    with pytest.raises(NotRotated, match="nothing is sealed"):
        await folder.rotate()
    assert not (folder.data / NAME).exists()


def finding(settings: Settings) -> Finding:
    """What the doctor says of the key."""
    nothing = Evidence(settings, None, None, asked=False, silence="", asked_at=NOON)
    (found,) = secret_key_finding(nothing)
    return found


async def test_the_doctor_knows_the_key_by_its_print(folder: Place) -> None:
    assert finding(folder.settings).state == "ok"
    assert not (folder.data / NAME).exists(), "it makes none"
    await folder.fill()
    await folder.rotate()
    assert finding(folder.settings).state == "ok"
    right = (folder.data / NAME).read_text()
    for wrong in (None, right[:-5], Vault(b"x").seal("y").decode()):
        (folder.data / NAME).unlink(missing_ok=True)
        if wrong is not None:
            (folder.data / NAME).write_text(wrong)
        assert finding(folder.settings).state in {"problem", "unchecked"}
    other = folder.with_key("another key that is long enough to be one")
    assert finding(other.settings).state == "problem"
    (folder.data / NAME).write_text(right)
    await cut_off_after_the_database(folder)
    assert finding(folder.settings).state == "ok"
    assert "next start" in finding(folder.settings).detail


async def test_the_doctor_tells_of_a_key_that_waits_to_be_set(tmp_path: Path) -> None:
    place = placed(tmp_path, "setting")
    await place.fill()
    made = await place.rotate()
    found = finding(place.settings)
    assert (found.state, found.detail) == ("warning", "it was replaced")
    assert "Set BELLHOP_SECRET_KEY to what" in found.remedy
    assert finding(place.with_key(made.key).settings).state == "ok"
