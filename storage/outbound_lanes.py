"""When lanes and owners of waiting webhooks are ready: kept beside every change of a message."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from storage.times import to_text

if TYPE_CHECKING:
    from sqlite_utils import Database

_LANE_WAITS = """
    INSERT INTO outbound_lanes (owner_id, host, served_at, ready_at)
    SELECT ?1, ?2, ?3, max(?3, due_at) FROM outbound
    WHERE state = 'waiting' AND owner_id = ?1 AND host = ?2 ORDER BY due_at LIMIT 1
    ON CONFLICT (owner_id, host) DO UPDATE SET
        served_at = max(served_at, excluded.served_at),
        ready_at = max(served_at, excluded.ready_at)
"""
_LANE_IS_EMPTY = """
    DELETE FROM outbound_lanes WHERE owner_id = ?1 AND host = ?2 AND NOT EXISTS (
        SELECT 1 FROM outbound WHERE state = 'waiting' AND owner_id = ?1 AND host = ?2
    )
"""
_OWNER_WAITS = """
    INSERT OR REPLACE INTO outbound_owners (owner_id, ready_at)
    SELECT owner_id, ready_at FROM outbound_lanes
    WHERE owner_id = ? ORDER BY ready_at LIMIT 1
"""
_OWNER_IS_DONE = """
    DELETE FROM outbound_owners WHERE owner_id = ?1
    AND NOT EXISTS (SELECT 1 FROM outbound_lanes WHERE owner_id = ?1)
"""


def changed(db: Database, owner_id: int, host: str, served_at: datetime | None = None) -> None:
    """Something in a lane waits, or does so no longer; `served_at` is when it had its turn."""
    served = to_text(served_at) if served_at else ""
    db.conn.execute(_LANE_WAITS, (owner_id, host, served))
    db.conn.execute(_LANE_IS_EMPTY, (owner_id, host))
    db.conn.execute(_OWNER_WAITS, (owner_id,))
    db.conn.execute(_OWNER_IS_DONE, (owner_id,))
