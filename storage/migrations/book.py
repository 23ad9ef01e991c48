"""The book of steps: each module of this folder writes its own into it."""

from __future__ import annotations

from sqlite_utils.migrations import Migrations

migrations = Migrations("bellhop")
