"""Encryption at rest, and the keys that are derived from the one secret key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class WrongKey(Exception):  # noqa: N818 - the name says what is wrong
    """Something was sealed with another key than the one that is set now."""


class Vault:
    """Seals secrets for the database and signs what must be known again.

    Each purpose has a key of its own, derived from the secret key (RFC 5869).
    """

    def __init__(self, secret_key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret_key, b"seal")))
        self._marker_key = _derive(secret_key, b"marker")
        self.worker_key = _derive(secret_key, b"worker-token")
        self.form_key = _derive(secret_key, b"form")

    def seal(self, secret: str) -> bytes:
        """Encrypt a secret."""
        return self._fernet.encrypt(secret.encode())

    def unseal(self, sealed: bytes) -> str:
        """The secret again.

        Raises:
            WrongKey: it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise WrongKey(
                "A stored secret was sealed with another BELLHOP_SECRET_KEY than the one now set. "
                "Set the former key again."
            ) from error

    def sign(self, key: str) -> str:
        """The code by which Bellhop knows a marker of its own again: 32 hexadecimal digits."""
        return hmac.new(self._marker_key, key.encode(), hashlib.sha256).hexdigest()[:32]


def load_or_make_key(path: Path) -> bytes:
    """Read the secret key of the data folder; on the first start, make it (mode 0600).

    Raises:
        WrongKey: the file holds none, as after a disk failed.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return _make_key(path)
    try:
        key = base64.urlsafe_b64decode(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise WrongKey(
            f"{path} holds no secret key. Put the former one back from a backup; if nothing is to "
            "be kept, remove the file, and a new one is made."
        )
    return key


def _make_key(path: Path) -> bytes:
    """A key in a file that is there whole or not at all, whenever the machine stops."""
    key = os.urandom(KEY_BYTES)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.urlsafe_b64encode(key).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return key


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"bellhop/" + purpose).derive(secret_key)
