"""Worker tokens: derived, so that a launch repeated after a crash hands out the same one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.runners.base import WorkerKey
from bot.vault import FormerWorkerKey

PREFIX = "bhw_"
_NAMED = struct.Struct(">16sII")
_MAC_BYTES = 24


class WorkerTokens:
    """Makes and reads the token of one task, one attempt, one launch.

    A token names what it is for and proves it: base64url of the ids and an HMAC-SHA256 of them,
    cut to 24 bytes. Workers that were at work when the key was replaced hold tokens of a `former`
    one. Whether that launch is still the current one is the database's to say.
    """

    def __init__(
        self,
        key: bytes,
        former: Sequence[FormerWorkerKey] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._key = key
        self._former = former
        self._clock = clock

    def make(self, launch: WorkerKey) -> str:
        """The token of a launch."""
        named = _NAMED.pack(uuid.UUID(launch.task_id).bytes, launch.attempt, launch.launch)
        return PREFIX + base64.urlsafe_b64encode(named + _mac(self._key, named)).decode()

    def read(self, token: str) -> WorkerKey | None:
        """The launch that a token is for; None for anything that was not made here."""
        if not token.startswith(PREFIX) or not token.isascii():
            return None
        try:
            raw = base64.b64decode(token.removeprefix(PREFIX), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        named, mac = raw[: _NAMED.size], raw[_NAMED.size :]
        if not any(hmac.compare_digest(mac, _mac(key, named)) for key in self._believed()):
            return None
        task_id, attempt, launch = _NAMED.unpack(named)
        return WorkerKey(str(uuid.UUID(bytes=task_id)), attempt, launch)

    def _believed(self) -> list[bytes]:
        now = self._clock()
        return [self._key, *(one.key for one in self._former if now < one.until)]


def _mac(key: bytes, named: bytes) -> bytes:
    return hmac.new(key, named, hashlib.sha256).digest()[:_MAC_BYTES]
