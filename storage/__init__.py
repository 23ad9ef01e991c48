"""What the bot remembers: SQLite behind one door, the `Store`."""

from __future__ import annotations

from storage.lock import FolderInUse, FolderLock
from storage.reads import Brief
from storage.sqlite import StorageFailed
from storage.store import Store

__all__ = ["Brief", "FolderInUse", "FolderLock", "StorageFailed", "Store"]
