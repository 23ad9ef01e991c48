"""Which URLs people may have Bellhop call, by their form: decided before anything is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

from bot.addresses import Address, is_public, read_address

LONGEST_URL = 2048
USUAL_PORTS = frozenset({443, 8443})

_FORM = re.compile(r"(?i:https?)://[^\s\\/?#@\x00-\x20\x7f]+(?:[/?][^\s\x00-\x20\x7f]*)?")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_LOOKS_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)")
"""A last label that system libraries would read as a part of an IPv4 address."""


class BadUrl(Exception):  # noqa: N818 - the name says what is wrong
    """This URL is not called; the text says why, for whoever gave it."""


NOT_ALLOWED = "its address is not allowed"
"""The same words for every address that is not public, so that nobody maps a network by them."""
NOT_FOUND = "its host has no address that is allowed"
"""The same words for a name that has none and for one of a private address."""
UNKNOWN = "its host could not be looked up"


@dataclass(frozen=True, slots=True)
class UrlRules:
    """What the operator allows beyond https on the usual ports of public addresses."""

    allow_loopback: bool = False
    """Also receivers on this very machine, by http too; named `localhost` or by their address."""
    ports: frozenset[int] = USUAL_PORTS

    def admits(self, host: str, address: Address) -> bool:
        """Whether a host may be called at an address that it has or resolves to."""
        if means_loopback(host):
            return self.allow_loopback and address.is_loopback
        return is_public(address)

    def may_connect(self, address: Address) -> bool:
        """Whether an address may be connected to, whatever led there."""
        return is_public(address) or (self.allow_loopback and address.is_loopback)


def read_url(text: str, rules: UrlRules) -> URL:
    """The URL in its normal form, which is to be called as it is.

    Raises:
        BadUrl: it is none, or not one that may be called.
    """
    if len(text) > LONGEST_URL:
        raise BadUrl(f"it is longer than {LONGEST_URL} characters")
    if "#" in text:
        raise BadUrl("leave out the part from # on, which is not sent")
    if "@" in re.split(r"[/?]", text.partition("://")[2], maxsplit=1)[0]:
        raise BadUrl("leave out user name and password: what is sent is signed instead")
    url = _parsed(text)
    _check(url, rules)
    return url


def means_loopback(host: str) -> bool:
    """Whether a host says itself that it is this very machine."""
    address = read_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _parsed(text: str) -> URL:
    try:
        url = URL(text) if _FORM.fullmatch(text) else None
    except ValueError:
        url = None
    if url is None or url.raw_host is None or not _is_host(url.raw_host):
        raise BadUrl("it is not a URL such as https://example.com/hook")
    if len(str(url)) > LONGEST_URL:
        raise BadUrl(f"it is longer than {LONGEST_URL} characters")
    return url


def _is_host(host: str) -> bool:
    """A name, or an address in its usual form: others do not mean the same to every program."""
    if read_address(host) is not None:
        return "%" not in host
    labels = host.removesuffix(".").split(".")
    named = all(_LABEL.fullmatch(label) for label in labels) and len(host) <= 253  # noqa: PLR2004
    return named and not _LOOKS_NUMERIC.fullmatch(labels[-1])


def _check(url: URL, rules: UrlRules) -> None:
    host, port = url.raw_host or "", url.port or 0
    here = rules.allow_loopback and means_loopback(host)
    if url.scheme != "https" and not here:
        raise BadUrl("it must begin with https://")
    if port not in rules.ports and not (here and port):
        ports = ", ".join(str(one) for one in sorted(rules.ports))
        raise BadUrl(f"its port must be one of {ports}")
    address = read_address(host)
    if address is not None and not rules.admits(host, address):
        raise BadUrl(NOT_ALLOWED)
