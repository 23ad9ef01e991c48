"""API keys as they look: `bh_`, random letters and digits, and six more that catch a typing error.

The checksum lets a secret scanner, and the door, know a key from chance without asking anybody; see
https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import zlib
from typing import Final, Literal

Scope = Literal["tasks:read", "tasks:write"]
SCOPES: Final[tuple[Scope, ...]] = ("tasks:read", "tasks:write")

PREFIX = "bh_"
SHOWN = len(PREFIX) + 6
"""How many characters of a key are kept, for its owner to know it again."""

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM = 32  # characters of base62: 190 bits
_CHECK = 6  # characters of base62 hold any CRC-32
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECK}}})")


def new_key() -> str:
    """A key that nobody had before."""
    body = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    return f"{PREFIX}{body}{_checksum(body)}"


def looks_right(key: str) -> bool:
    """Whether this has the form of a key and its checksum is right."""
    found = _FORM.fullmatch(key)
    return found is not None and found[2] == _checksum(found[1])


def new_webhook_secret() -> str:
    """A secret as Standard Webhooks write it: `whsec_` and base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def digest(secret: str) -> bytes:
    """By what a key or the id of a session is known in the database."""
    # A cookie may hold bytes that are no text, which aiohttp hands on as surrogates.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _checksum(body: str) -> str:
    number, text = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_LETTERS))
        text = _LETTERS[digit] + text
    return text
