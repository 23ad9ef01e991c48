"""Checks of this machine and of the settings themselves."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bot import startup
from bot.doctor.findings import Evidence, Finding, ok, problem, unchecked, warning
from bot.secret_key import WAITING, is_set, trouble
from bot.settings import is_loopback
from bot.vault import WrongKey
from storage import FolderInUse, FolderLock, StorageFailed
from storage.connections import try_out

LEAST_FREE = 500_000_000
"""Bytes that should be free: deliveries are stored, and workers clone into the data folder."""
_PROGRAM = re.compile(r"[\w./+-]+")


def settings(evidence: Evidence) -> Iterator[Finding]:
    """What `serve` refuses to start with."""
    for subject, check in startup.CHECKS:
        found = check(evidence.settings)
        for one in found:
            yield problem(one.setting, "Bellhop does not start like this", one.detail)
        if not found:
            yield ok(subject, "as it should be")


def data_folder(evidence: Evidence) -> Iterator[Finding]:
    """Whether Bellhop can keep what it keeps."""
    folder = evidence.settings.data.absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        remedy = f"Make {there} a folder that this user may write to, or change BELLHOP_DATA."
        yield problem("data folder", f"{folder} cannot be written to", remedy)
    elif there != folder:
        yield ok("data folder", f"{folder} is made at the first start")
    else:
        yield ok("data folder", f"{folder}, {_user_of(folder)}")


def _user_of(folder: Path) -> str:
    try:
        FolderLock(folder).release()
    except FolderInUse:
        return "in use by a Bellhop that runs: stop that one before starting another"
    return "free"


def database(evidence: Evidence) -> Iterator[Finding]:
    """Whether the database can be written to; without a file one is made at the first start."""
    path = (evidence.settings.data / evidence.settings.database).absolute()
    if not path.exists():
        yield ok("database", f"{path} is made at the first start")
        return
    try:
        tables = try_out(path)
    except sqlite3.Error as error:
        remedy = f"Let this user write to it, or put a backup in its place: {path}"
        yield problem("database", f"{path} cannot be used: {error}", remedy)
    else:
        yield ok("database", f"{path} can be written to, with {tables} tables")


def secret_key(evidence: Evidence) -> Iterator[Finding]:
    """Whether the secret key is the one that the database is sealed with, as far as is noted."""
    settings = evidence.settings
    waiting = settings.data / WAITING
    try:
        found = trouble(settings)
    except (OSError, StorageFailed, WrongKey) as error:
        yield unchecked("secret key", str(error))
        return
    if found is None:
        yield ok("secret key", "nothing is known against it")
    elif found == "waits" and (name := is_set(settings)) is not None:
        yield warning("secret key", "it was replaced", f"Set {name} to what {waiting} has.")
    elif found == "waits":
        yield ok("secret key", "it was replaced; the next start brings that to its end")
    else:
        remedy = "Set the one with which Bellhop ran last, or put its file back from a copy."
        yield problem("secret key", "the database is sealed with another one", remedy)


def disk(evidence: Evidence) -> Iterator[Finding]:
    """Whether there is room for what comes."""
    if evidence.free is None:
        yield unchecked("disk", "the data folder cannot be looked at")
        return
    room = f"{evidence.free / 1e9:.1f} GB free"
    if evidence.free < LEAST_FREE:
        remedy = "Make room, or move BELLHOP_DATA: when the disk is full, deliveries are refused."
        yield problem("disk", room, remedy)
    else:
        yield ok("disk", room)


def agent(evidence: Evidence) -> Iterator[Finding]:
    """Whether the programs of the agents that may be chosen are there."""
    for name in evidence.settings.rules("").agents:
        program = startup.PROGRAMS.get(name, name)
        if program is None:
            yield _command(evidence.settings.agent_command or "")
        else:
            remedy = f"Install it where workers find it, or take {name} out of BELLHOP_AGENTS."
            yield _program(f"agent {name}", program, remedy)


def _command(command: str) -> Finding:
    """A shell's own words and paths of its own are programs, too."""
    word = command.split(maxsplit=1)[:1]
    if not word or not _PROGRAM.fullmatch(word[0]):
        return ok("agent", "its command is the shell's to read")
    remedy = "Install it where workers find it, or change BELLHOP_AGENT_COMMAND."
    return _program("agent", word[0], remedy)


def _program(subject: str, word: str, remedy: str) -> Finding:
    known = subprocess.run(  # noqa: S603 - the word is an argument, no part of the script
        ["/bin/sh", "-c", 'command -v -- "$1"', "sh", word],
        check=False,
        capture_output=True,
    )
    if known.returncode:
        return problem(subject, f"there is no program {word} on the PATH", remedy)
    return ok(subject, word)


def git(evidence: Evidence) -> Iterator[Finding]:
    """Whether there is a git for the workers of this machine."""
    del evidence
    found = shutil.which("git")
    if found is None:
        yield problem("git", "there is none on the PATH", "Install git: workers clone with it.")
    else:
        yield ok("git", found)


def base_url(evidence: Evidence) -> Iterator[Finding]:
    """Whether GitHub and people can reach what they are told to reach."""
    url = evidence.settings.public_url
    if is_loopback(url):
        near = evidence.settings.offline
        far = f"{url} is this machine only: GitHub needs a tunnel that leads there"
        yield ok("base URL", url if near else far)
    elif url.startswith("http://"):
        remedy = "Put a TLS proxy in front and set BELLHOP_BASE_URL to its https address."
        yield problem("base URL", f"{url} is not encrypted", remedy)
    else:
        yield ok("base URL", url)
