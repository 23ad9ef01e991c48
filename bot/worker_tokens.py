"""Worker tokens: derived, so that a launch repeated after a crash hands out the same one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import uuid

from bot.runners.base import WorkerKey

PREFIX = "bhw_"
_NAMED = struct.Struct(">16sII")
_MAC_BYTES = 24


class WorkerTokens:
    """Makes and reads the token of one task, one attempt, one launch.

    A token names what it is for and proves it: base64url of the ids and an HMAC-SHA256 of them,
    cut to 24 bytes. Whether that launch is still the current one is the database's to say.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, launch: WorkerKey) -> str:
        """The token of a launch."""
        named = _NAMED.pack(uuid.UUID(launch.task_id).bytes, launch.attempt, launch.launch)
        return PREFIX + base64.urlsafe_b64encode(named + self._mac(named)).decode()

    def read(self, token: str) -> WorkerKey | None:
        """The launch that a token is for; None for anything that was not made here."""
        if not token.startswith(PREFIX) or not token.isascii():
            return None
        try:
            raw = base64.b64decode(token.removeprefix(PREFIX), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        named, mac = raw[: _NAMED.size], raw[_NAMED.size :]
        if not hmac.compare_digest(mac, self._mac(named)):
            return None
        task_id, attempt, launch = _NAMED.unpack(named)
        return WorkerKey(str(uuid.UUID(bytes=task_id)), attempt, launch)

    def _mac(self, named: bytes) -> bytes:
        return hmac.new(self._key, named, hashlib.sha256).digest()[:_MAC_BYTES]
