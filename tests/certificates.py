"""Certificates of servers on this machine, and of those who vouch for them, made for one test."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOUR = timedelta(hours=1)
PEM = serialization.Encoding.PEM

_VOUCHES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """Somebody who vouches for servers."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    name: x509.Name = field(
        default_factory=lambda: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's")])
    )

    def trusted(self) -> ssl.SSLContext:
        """Of a client that trusts this one and nobody else."""
        made = (
            self._begun(self.name, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_VOUCHES, critical=True)
        )
        pem = made.sign(self.key, hashes.SHA256()).public_bytes(PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, folder: Path, *names: str) -> ssl.SSLContext:
        """Of a server of these names and addresses."""
        key = _key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server")])
        made = self._begun(subject, key.public_key()).add_extension(
            x509.SubjectAlternativeName([_alternative(one) for one in names]), critical=False
        )
        file = folder / f"{'-'.join(names)}.pem"
        plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        signed = made.sign(self.key, hashes.SHA256()).public_bytes(PEM)
        file.write_bytes(key.private_bytes(PEM, *plain) + signed)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        # From Python 3.13 on certificates must say whose key is whose, as RFC 5280 has it.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - HOUR)
            .not_valid_after(now + HOUR)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(issuer, critical=False)
        )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
