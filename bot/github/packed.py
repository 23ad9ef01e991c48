"""Answers kept with their ETags, packed small, and never more of them than a number of bytes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, MutableMapping
from typing import Any

from cachetools import LRUCache

Entry = tuple[str | None, str | None, Any, str | None]
"""As gidgethub keeps an answer: its ETag, its date, its data, the address of the next page."""

OVERHEAD = 500
"""Bytes that an entry takes beside its text, about: so a bound of bytes is one of entries too."""


class Packed(MutableMapping[str, Entry]):
    """A cache for gidgethub. A page of a hundred repositories is 600 KB, and packed a twentieth.

    Args:
        most: Bytes that all entries may take; the one that was used longest ago gives way, and
            what is larger than all together is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: LRUCache[str, bytes] = LRUCache(most, getsizeof=_size)

    def __getitem__(self, url: str) -> Entry:
        """Unpack what is kept of an address."""
        etag, date, data, more = json.loads(zlib.decompress(self._kept[url]))
        return etag, date, data, more

    def __setitem__(self, url: str, entry: Entry) -> None:
        """Keep an answer if there is room for it."""
        packed = zlib.compress(json.dumps(entry).encode(), level=1)
        if _size(packed) <= self._most:
            self._kept[url] = packed
        else:
            self._kept.pop(url, None)

    def __delitem__(self, url: str) -> None:
        """Forget one."""
        del self._kept[url]

    def __iter__(self) -> Iterator[str]:
        """The addresses."""
        return iter(self._kept)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes that they take now."""
        return int(self._kept.currsize)


def _size(packed: bytes) -> int:
    return len(packed) + OVERHEAD
