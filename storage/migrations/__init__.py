"""The steps that make the main database, in order; a shipped step is never edited."""

from __future__ import annotations

from storage.migrations.book import migrations

# isort: off
# A new module of steps goes to the end.
from storage.migrations import loop as _loop
from storage.migrations import programs as _programs
from storage.migrations import lists as _lists
from storage.migrations import signin as _signin
from storage.migrations import app as _app
from storage.migrations import preferences as _preferences
from storage.migrations import plots as _plots
from storage.migrations import missed as _missed
from storage.migrations import approvals as _approvals
from storage.migrations import own_commands as _own_commands
from storage.migrations import budgets as _budgets
from storage.migrations import apps as _apps
# isort: on

__all__ = ["migrations"]

STEPS = (
    _loop,
    _programs,
    _lists,
    _signin,
    _app,
    _preferences,
    _plots,
    _missed,
    _approvals,
    _own_commands,
    _budgets,
    _apps,
)
