"""Where the secret key is: in a setting, or in a file of the data folder; and how it changes.

A new key waits in `secret.key.next` until the database is sealed with it, which one transaction
does; that transaction also notes by which key. So whenever a change is cut off, what the database
says tells which of the two is the key.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Literal

import structlog

from bot.settings import Settings
from bot.vault import KEY_BYTES, WrongKey, print_of
from storage.sealed import key_print

_log = structlog.stdlib.get_logger(__name__)

NAME = "secret.key"
"""The key's file in the data folder, unless a setting has it."""
WAITING = "secret.key.next"
"""The file of a key that takes its place."""


def secret_key(settings: Settings) -> bytes:
    """The key that the database is sealed with, made on the first start. No file is moved.

    Raises:
        OSError: its file cannot be read.
        WrongKey: its file holds none.
    """
    usual = _usual(settings)
    following = _waiting(settings)
    if following is None or key_print(settings.data / settings.database) != print_of(following):
        return usual
    if is_set(settings) and usual != following:
        file = settings.data / WAITING
        _log.warning(
            "the secret key was replaced", remedy=f"set {is_set(settings)} to what {file} has"
        )
    return following


def settle_key(settings: Settings) -> None:
    """Bring a change of the key to its end, or take it back, whichever the database says.

    A key that waited for nothing is put aside and not removed: another database than the one that
    is here now, such as a backup, may be sealed with it. Only while the data folder is locked.

    Raises:
        OSError: a file cannot be moved or removed.
        WrongKey: a file holds no key.
    """
    following = _waiting(settings)
    if following is None:
        return
    waiting = settings.data / WAITING
    done = key_print(settings.data / settings.database) == print_of(following)
    if done and not is_set(settings):
        waiting.rename(settings.data / NAME)
    elif not done:
        waiting.rename(settings.data / f"{NAME}.{print_of(following)}")
    elif _usual(settings) == following:
        waiting.unlink()
    settle(settings.data)


def is_set(settings: Settings) -> str | None:
    """The setting that has the key; None where it is in the data folder."""
    if settings.secret_key is not None:
        return "BELLHOP_SECRET_KEY"
    return None if settings.secret_key_file is None else "BELLHOP_SECRET_KEY_FILE"


def trouble(settings: Settings) -> Literal["waits", "other"] | None:
    """What is wrong with the key, without making one: a new one waits to be set, or it is another.

    Raises:
        OSError: a file cannot be read.
        StorageFailed: the database cannot be read.
        WrongKey: a file holds no key.
    """
    sealed_with = key_print(settings.data / settings.database)
    if sealed_with is None:
        return None
    there = is_set(settings) is not None or (settings.data / NAME).is_file()
    if there and print_of(_usual(settings)) == sealed_with:
        return None
    following = _waiting(settings)
    return "waits" if following and print_of(following) == sealed_with else "other"


def is_waiting(settings: Settings) -> bool:
    """Whether a new key waits to take its place, in the folder or in a setting."""
    return (settings.data / WAITING).exists()


def begin_change(settings: Settings) -> tuple[bytes, str]:
    """Let a new key wait; returns it and its text. Only while the data folder is locked.

    Raises:
        OSError: it cannot be written.
    """
    text = new_key_text()
    write_whole(settings.data / WAITING, text)
    return _from_text(settings, text), text


def _usual(settings: Settings) -> bytes:
    """The key where nothing waits to take its place."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    if settings.secret_key_file is not None:
        return settings.secret_key_file.read_bytes().strip()
    return load_or_make_key(settings.data / NAME)


def _waiting(settings: Settings) -> bytes | None:
    try:
        text = (settings.data / WAITING).read_text()
    except FileNotFoundError:
        return None
    return _from_text(settings, text)


def _from_text(settings: Settings, text: str) -> bytes:
    """A key as it will be read from where it belongs: settings are taken as they are."""
    return text.strip().encode() if is_set(settings) else _read_key(text)


def load_or_make_key(path: Path) -> bytes:
    """Read the secret key of the data folder; on the first start, make it (mode 0600).

    Raises:
        WrongKey: the file holds none, as after a disk failed.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return _make_key(path)
    key = _read_key(text)
    if len(key) != KEY_BYTES:
        raise WrongKey(
            f"{path} holds no secret key. Put the former one back from a backup; if nothing is to "
            "be kept, remove the file, and a new one is made."
        )
    return key


def _make_key(path: Path) -> bytes:
    """A key in a file that is there whole or not at all, whenever the machine stops."""
    text = new_key_text()
    write_whole(path, text)
    return _read_key(text)


def new_key_text() -> str:
    """A new secret key, as its file has it and as BELLHOP_SECRET_KEY takes it."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def write_whole(path: Path, text: str) -> None:
    """Make a file for its owner alone that outlasts a loss of power."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Let the names in a folder outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_key(text: str) -> bytes:
    """The bytes of a key's text; other than 32 where it is none."""
    try:
        return base64.urlsafe_b64decode(text.strip())
    except ValueError:
        return b""
