"""Encryption at rest, and the keys that are derived from the one secret key; see `secret_key`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class WrongKey(Exception):  # noqa: N818 - the name says what is wrong
    """Something was sealed with another key than the one that is set now."""


@dataclass(frozen=True, slots=True)
class FormerWorkerKey:
    """A key that tokens of workers were made with, believed `until` then."""

    key: bytes = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Former:
    """What a secret key that was replaced is still known by; it opens nothing any more."""

    marker: bytes = field(repr=False)
    worker: FormerWorkerKey | None = None


class Vault:
    """Seals secrets for the database and signs what must be known again.

    Each purpose has a key of its own, derived from the secret key (RFC 5869). What was signed with
    `former` keys is known, too: comments on GitHub keep their markers for ever.
    """

    def __init__(self, secret_key: bytes, former: Sequence[Former] = ()) -> None:
        self._secret_key = secret_key
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret_key, b"seal")))
        self.marker_key = _derive(secret_key, b"marker")
        self.worker_key = _derive(secret_key, b"worker-token")
        self.form_key = _derive(secret_key, b"form")
        self.former_worker_keys = tuple(one.worker for one in former if one.worker is not None)
        self._former_markers = tuple(one.marker for one in former)

    def with_former(self, former: Sequence[Former]) -> Vault:
        """The same vault, which knows what replaced keys have signed."""
        return Vault(self._secret_key, former)

    def seal(self, secret: str) -> bytes:
        """Encrypt a secret."""
        return self.seal_bytes(secret.encode())

    def seal_bytes(self, secret: bytes) -> bytes:
        """Encrypt a secret that is no text."""
        return self._fernet.encrypt(secret)

    def unseal(self, sealed: bytes) -> str:
        """The secret again.

        Raises:
            WrongKey: it was sealed with another key.
        """
        return self.unseal_bytes(sealed).decode()

    def unseal_bytes(self, sealed: bytes) -> bytes:
        """The secret again, where it is no text.

        Raises:
            WrongKey: it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise WrongKey(
                "A stored secret was sealed with another BELLHOP_SECRET_KEY than the one now set. "
                "Set the former key again."
            ) from error

    def sign(self, key: str) -> str:
        """The code by which Bellhop knows a marker of its own again: 32 hexadecimal digits."""
        return _code(self.marker_key, key)

    def signed_before(self, key: str) -> tuple[str, ...]:
        """The codes that replaced keys made, or would have made."""
        return tuple(_code(one, key) for one in self._former_markers)


def _code(marker_key: bytes, key: str) -> str:
    return hmac.new(marker_key, key.encode(), hashlib.sha256).hexdigest()[:32]


def print_of(secret_key: bytes) -> str:
    """By which a secret key is known without telling anything of it."""
    return _derive(secret_key, b"print")[:8].hex()


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"bellhop/" + purpose).derive(secret_key)
