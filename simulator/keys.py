"""RSA keys of the App."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BITS = 2048


@cache
def made_key() -> str:
    """Make a private key, one for this process: making it takes longer than most tests."""
    return new_key()


def new_key() -> str:
    """Make a private key that nothing else has."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@cache
def public_key(private_pem: str) -> str:
    """Return the public half of a private key, both PEM."""
    key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()
