"""`bellhop rotate-key`: everything that is encrypted, sealed with another key.

What the former key sealed nobody can read any more with the new one alone, so all of it is sealed
anew in one transaction. What the former key signed stays out in the world: the markers of comments
are known for ever, the tokens of workers at work for as long as an attempt may be talked about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.secret_key import WAITING, begin_change, is_set, is_waiting, secret_key, settle_key
from bot.settings import Settings
from bot.vault import Former, FormerWorkerKey, Vault, WrongKey, print_of
from storage import FolderLock, Store
from storage.sealed import CannotOpen, Change, FormerKey

_log = structlog.stdlib.get_logger(__name__)

BELIEVED = timedelta(days=2, hours=1)
"""How long workers' tokens of a key that was replaced are known: an attempt takes a day at most,
and its completion may be told again for another."""


class NotRotated(Exception):  # noqa: N818 - it is told as it is
    """The key is the one that it was, and nothing was changed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The key was replaced. `setting` has to be set to `key` now, unless it is None."""

    done: int
    left: int
    setting: str | None
    key: str = field(repr=False)


async def rotate(
    settings: Settings, now: datetime, *, leaked: bool = False, leave_others: bool = False
) -> Rotated:
    """Replace the secret key by a new one, while no Bellhop uses the data folder.

    Args:
        settings: Where the data folder and the key are.
        now: The time.
        leaked: Whether somebody else may know the former key: then no worker's token of it, nor of
            a key before it, is believed any more, and attempts that are at work begin again.
        leave_others: Whether secrets that the key does not open stay as they are.

    Raises:
        NotRotated: there is nothing to seal, or something that the key does not open.
        FolderInUse: a Bellhop uses the data folder.
        StorageFailed: the database cannot be used.
        OSError: a file cannot be read or written.
        WrongKey: a file holds no key.
    """
    path = settings.data / settings.database
    if not path.is_file():
        raise NotRotated(f"{path.absolute()} is not there: nothing is sealed with any key yet.")
    with FolderLock(settings.data):
        settle_key(settings)
        if is_waiting(settings):
            raise NotRotated(
                f"The key was replaced already: set {is_set(settings)} to what "
                f"{settings.data / WAITING} has, and start Bellhop with it before you go on."
            )
        old = Vault(secret_key(settings))
        new_key, text = begin_change(settings)
        change = _change(old, new_key, now, leaked=leaked)
        store = await Store.open(path, settings.rules("bellhop"))
        try:
            found = await store.change_key(change, leave_others=leave_others)
        except CannotOpen as error:
            (settings.data / WAITING).unlink()  # nothing was ever sealed with it
            raise NotRotated(_unopened(error.count)) from None
        finally:
            await store.close()
            settle_key(settings)
    return Rotated(found.done, found.left, is_set(settings), text)


async def vault_with_history(key: bytes, store: Store) -> Vault:
    """The vault of a key, which knows what keys before it have signed."""
    vault = Vault(key)
    former: list[Former] = []
    for one in await store.former_keys():
        try:
            former.append(_opened(vault, one))
        except WrongKey as error:
            _log.error("a former key cannot be opened", problem=str(error))
    return vault.with_former(former)


def what_to_set(settings: Settings, made: Rotated) -> str:
    """What a person has to do with a key that a setting has."""
    waiting = settings.data / WAITING
    if made.setting == "BELLHOP_SECRET_KEY":
        how = f"Set BELLHOP_SECRET_KEY={made.key}"
    else:
        how = f"Put what {waiting} has into {settings.secret_key_file}"
    return (
        f"{how} before you start Bellhop again, and keep a copy elsewhere. Until then it finds "
        f"the key in {waiting}, which it removes at the first start with the right setting."
    )


def _change(old: Vault, new_key: bytes, now: datetime, *, leaked: bool) -> Change:
    new = Vault(new_key)

    def reseal(sealed: bytes) -> bytes | None:
        try:
            return new.seal_bytes(old.unseal_bytes(sealed))
        except WrongKey:
            return None

    worker = None if leaked else new.seal_bytes(old.worker_key)
    former = FormerKey(new.seal_bytes(old.marker_key), worker, now)
    return Change(reseal, former, print_of(new_key))


def _opened(vault: Vault, former: FormerKey) -> Former:
    worker = former.worker
    until = former.replaced_at + BELIEVED
    key = None if worker is None else FormerWorkerKey(vault.unseal_bytes(worker), until)
    return Former(vault.unseal_bytes(former.marker), key)


def _unopened(count: int) -> str:
    return (
        f"{count} stored secrets were sealed with another key than the one that is set, and "
        "nothing was changed. Set that key and try again; if it is lost, so are they: "
        "`--leave-others` goes on without them."
    )
