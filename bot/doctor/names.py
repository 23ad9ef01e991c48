"""Names in the environment that look like settings and are none: most are misspelt."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from pydantic_settings import DotEnvSettingsSource

from bot.doctor.findings import Evidence, Finding, ok, warning
from bot.settings import Settings
from handlers.options import nearest

PREFIX = "BELLHOP_"
OF_OTHERS = frozenset({"PAYLOADS", "URL", "TOKEN", "TASK_ID", "RESULT_FILE", "MODEL", "PROVIDER"})
"""What the tests, the workers and their agents read."""


def names_given(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The names that begin as a setting's does, in the environment and the `.env` file."""
    in_file = DotEnvSettingsSource(Settings).env_vars
    found = {name.upper() for name in (*environment, *in_file)}
    return tuple(sorted(name for name in found if name.startswith(PREFIX)))


def names(evidence: Evidence) -> Iterator[Finding]:
    """Whether each name is a setting's; one that is none changes nothing, and is no problem."""
    strange = list(_strange(evidence.names))
    for name in strange:
        near = nearest(name, Settings.model_fields)
        meant = f"Did you mean {PREFIX}{near.upper()}? " if near else ""
        remedy = f"{meant}They are all in docs/settings.md."
        yield warning(f"{PREFIX}{name}", "there is no such setting: nobody reads it", remedy)
    if not strange:
        yield ok("names of settings", "all are known")


def _strange(given: Iterable[str]) -> Iterator[str]:
    for name in given:
        word = name.removeprefix(PREFIX)
        if word.lower() not in Settings.model_fields and word not in OF_OTHERS:
            yield word
