"""The databases of a first start: made once, and copied by whoever begins with them.

The steps that make them take longer than most tests that need them. They are gone through where a
Bellhop is set up or starts as a command, as in the tests of those.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Migrations

from bot.data_folder import make_folder
from bot.settings import Settings
from storage import logs, migrations
from storage.connections import open_writer
from storage.schema import bring_up_to_date


def lay_out(path: Path) -> Path:
    """Put the database of a first start at a path, and that of log lines beside it; the path.

    What is there stays as it is.
    """
    beside = path.with_name(f"{path.stem}-logs{path.suffix}")
    for file, steps in ((path, migrations.migrations), (beside, logs.migrations)):
        if not file.exists():
            file.write_bytes(_made(steps))
    return path


def lay_out_in(settings: Settings) -> None:
    """The same in the data folder of a Bellhop that is about to start."""
    make_folder(settings)
    lay_out(settings.data / settings.database)


@cache
def _made(steps: Migrations) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        db = open_writer(path, "FULL")
        bring_up_to_date(db, steps, migrate=True)
        db.close()
        assert [one.name for one in Path(folder).iterdir()] == [path.name]
        return path.read_bytes()
