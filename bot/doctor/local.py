"""Checks of this machine and of the settings themselves."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bot import startup
from bot.doctor.findings import Evidence, Finding, ok, problem
from bot.settings import is_loopback
from storage import FolderInUse, FolderLock
from storage.connections import open_reader


def settings(evidence: Evidence) -> Iterator[Finding]:
    """What `serve` refuses to start with."""
    found = startup.problems(evidence.settings)
    for one in found:
        yield problem(one.setting, "Bellhop does not start like this", one.detail)
    if not found:
        yield ok("settings", "all that is needed is there")


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
    """Whether the database can be read; without a file one is made at the first start."""
    path = (evidence.settings.data / evidence.settings.database).absolute()
    if not path.exists():
        yield ok("database", f"{path} is made at the first start")
        return
    try:
        db = open_reader(path)
        try:
            tables = len(db.table_names())
        finally:
            db.close()
    except sqlite3.Error as error:
        remedy = f"Put a backup in the place of {path}, or change BELLHOP_DATABASE."
        yield problem("database", f"{path} cannot be read: {error}", remedy)
    else:
        yield ok("database", f"{path} opens, with {tables} tables")


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
