"""What a check looks at and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.github.about import Said
from bot.settings import Settings

State = Literal["ok", "warning", "problem", "unchecked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; a problem has a remedy, what was not checked a reason.

    A warning has a remedy too, but Bellhop works without it.
    """

    subject: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the checks look at.

    Attributes:
        settings: As Bellhop would be started with.
        app: What GitHub says of the App; None where it was not asked or did not answer.
        hook: What GitHub says of the App's webhook, likewise.
        asked: Whether GitHub could be asked at all: that takes an App and its key.
        silence: Why GitHub said nothing; empty where it did.
        asked_at: When GitHub was asked, by the clock of this machine.
        names: What in the environment and the `.env` file is named like a setting.
        free: Bytes that are free where the data folder is or will be; None: nobody can tell.
    """

    settings: Settings
    app: Said | None
    hook: Said | None
    asked: bool
    silence: str
    asked_at: datetime
    free: int | None = None
    names: tuple[str, ...] = ()


def ok(subject: str, detail: str) -> Finding:
    """It is as it should be."""
    return Finding(subject, "ok", detail)


def problem(subject: str, detail: str, remedy: str) -> Finding:
    """It is not as it should be."""
    return Finding(subject, "problem", detail, remedy)


def warning(subject: str, detail: str, remedy: str) -> Finding:
    """It works, but is hardly what was meant."""
    return Finding(subject, "warning", detail, remedy)


def unchecked(subject: str, why: str) -> Finding:
    """Nobody can tell, for another problem."""
    return Finding(subject, "unchecked", why)
