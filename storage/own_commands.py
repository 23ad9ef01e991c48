"""The names of the commands that repositories have of their own: rows <-> values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

    from storage.sqlite import Engine


class OwnCommands:
    """All names, known without a look into the database: deliveries are measured by them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of: dict[int, frozenset[str]] = {}
        self.names: frozenset[str] = frozenset()
        """The names of all repositories."""

    async def load(self) -> None:
        """Know what was stored."""
        rows = await self._engine.read(
            lambda db: list(db.conn.execute("SELECT repository_id, name FROM own_commands"))
        )
        for repository_id, name in rows:
            self._of[repository_id] = self.of(repository_id) | {name}
        self._look_again()

    def of(self, repository_id: int) -> frozenset[str]:
        """The names of one repository."""
        return self._of.get(repository_id, frozenset())

    async def keep(self, repository_id: int, names: frozenset[str]) -> None:
        """Store the names of a repository, where they are others than before.

        Raises:
            StorageFailed: They are not stored.
        """
        if names == self.of(repository_id):
            return

        def work(db: Database) -> None:
            db.conn.execute("DELETE FROM own_commands WHERE repository_id = ?", (repository_id,))
            db.conn.executemany(
                "INSERT INTO own_commands (repository_id, name) VALUES (?, ?)",
                [(repository_id, name) for name in sorted(names)],
            )

        await self._engine.write(work)
        self._of[repository_id] = names
        self._look_again()

    def _look_again(self) -> None:
        self._of = {number: names for number, names in self._of.items() if names}
        self.names = frozenset().union(*self._of.values())
