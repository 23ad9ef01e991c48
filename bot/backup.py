"""`bellhop backup`: one file with all that must not be lost, made while a Bellhop works.

It is a tar archive of the database files as a data folder has them, so that `tar -xf` into an
empty folder is all that a restoration takes. The secret key is left out unless it is asked for:
whoever has it and the database can read every secret in it, and backups travel.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from bot.secret_key import NAME as KEY
from bot.secret_key import is_waiting, load_or_make_key, settle
from bot.settings import Settings
from bot.vault import WrongKey, print_of
from storage import backup
from storage.sealed import key_print

_CHUNK = 1 << 20


class NotBackedUp(Exception):  # noqa: N818 - it is told as it is
    """There is no backup of this name now that was not there before; the message says why."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What is in the backup, and its size in bytes."""

    names: tuple[str, ...]
    size: int


def back_up(
    settings: Settings, file: Path, now: datetime, *, with_key: bool, force: bool
) -> BackedUp:
    """Make a backup that is there whole or not at all.

    Args:
        settings: Where the data folder is.
        file: What to make.
        now: The time that the backup will say that it was made at.
        with_key: Whether the secret key goes with it.
        force: Whether a file of this name may be replaced.

    Raises:
        NotBackedUp: there is such a file, no database, or no key for it.
        StorageFailed: the database cannot be copied, or the copy is damaged.
        OSError: there is no room or no leave to write there.
    """
    _check_free(file, force=force)
    sources = _sources(settings, with_key=with_key)
    with tempfile.TemporaryDirectory(prefix=".bellhop-backup-", dir=file.absolute().parent) as made:
        folder = Path(made)
        copies = [_copy(source, folder) for source in sources]
        if with_key:
            _check_key(folder / KEY, folder / settings.database)
        backup.mark(folder / settings.database, now)
        for copy in copies:
            if copy.name != KEY:
                backup.check(copy)
        archive = folder / "backup.tar"
        _pack(archive, copies, sources)
        _verify(archive, copies)
        _check_free(file, force=force)
        size = archive.stat().st_size
        archive.rename(file)
    settle(file.absolute().parent)
    return BackedUp(tuple(copy.name for copy in copies), size)


def _check_free(file: Path, *, force: bool) -> None:
    if file.is_dir():
        raise NotBackedUp(f"{file} is a folder. Name the file to make.")
    if file.exists() and not force:
        raise NotBackedUp(f"{file} is there already. Name another file, or add --force.")


def _sources(settings: Settings, *, with_key: bool) -> list[Path]:
    """The files to take. The main database comes last: it is the one whose moment counts."""
    main = settings.data / settings.database
    if not main.is_file():
        raise NotBackedUp(f"{main.absolute()} is not there: nothing is to be backed up yet.")
    logs = main.with_name(f"{main.stem}-logs{main.suffix}")
    found = [logs] if logs.is_file() else []
    if with_key:
        key = settings.data / KEY
        given = settings.secret_key is not None or settings.secret_key_file is not None
        if given or not key.is_file():
            raise NotBackedUp(
                "The secret key is not in the data folder but in your settings: keep a copy of "
                "BELLHOP_SECRET_KEY, or of the file that BELLHOP_SECRET_KEY_FILE names, yourself."
            )
        if is_waiting(settings):
            raise NotBackedUp(
                "A change of the secret key was cut off: start Bellhop once, which brings it to "
                "its end, and make the backup then."
            )
        found.append(key)
    return [*found, main]


def _copy(source: Path, folder: Path) -> Path:
    target = folder / source.name
    if source.name == KEY:
        target.write_bytes(source.read_bytes())
    else:
        backup.copy(source, target)
    return target


def _check_key(key: Path, database: Path) -> None:
    """See that what was copied belongs together: a key may be changed between the two copies.

    Raises:
        NotBackedUp: the database is sealed with another key.
    """
    sealed_with = key_print(database)
    if sealed_with is None:  # its key was never changed
        return
    try:
        fits = print_of(load_or_make_key(key)) == sealed_with
    except WrongKey:
        fits = False
    if not fits:
        raise NotBackedUp(
            f"The database is sealed with another key than the one in {KEY}. Try again if it is "
            "being changed at this moment; otherwise put the right one there."
        )


def _pack(archive: Path, copies: Sequence[Path], sources: Sequence[Path]) -> None:
    """Put the copies into an archive, each with its owner, for nobody else to read."""
    with archive.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for copy, source in zip(copies, sources, strict=True):
                member = tar.gettarinfo(copy, copy.name)
                owner = source.stat()
                member.mode, member.uid, member.gid = 0o600, owner.st_uid, owner.st_gid
                member.uname = member.gname = ""
                with copy.open("rb") as content:
                    tar.addfile(member, content)
        file.flush()
        os.fsync(file.fileno())


def _verify(archive: Path, copies: Sequence[Path]) -> None:
    """Read the archive again: what comes out must be what went in.

    Raises:
        OSError: it is not.
    """
    with tarfile.open(archive) as tar:
        for copy in copies:
            member = tar.extractfile(copy.name)
            if member is None:
                raise OSError(f"{copy.name} cannot be read from the backup again.")
            with member, copy.open("rb") as content:
                same = _digest(member) == _digest(content)
            if not same:
                raise OSError(f"{copy.name} came out of the backup changed: try another disk.")


def _digest(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()
