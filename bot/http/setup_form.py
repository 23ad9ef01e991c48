"""What the set-up page asks for, checked."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from yarl import URL

from bot.settings import is_loopback, read_url

LONGEST_NAME = 34
"""Characters that GitHub takes as the name of an App."""
_HOST = re.compile(r"[a-z0-9.:-]+")
_ORGANISATION = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
_TUNNEL = (
    "GitHub cannot reach this machine under that name. Give the https address of a server, or of "
    "a tunnel that leads here."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What App to make: `organisation` is empty for an App of the person's own."""

    public_url: str
    name: str
    organisation: str = ""

    @property
    def path(self) -> str:
        """Where on GitHub such an App is made."""
        owner = f"/organizations/{self.organisation}" if self.organisation else ""
        return f"{owner}/settings/apps/new"


def some_name() -> str:
    """A name that hardly anybody has taken."""
    return f"bellhop-{secrets.token_hex(3)}"


def read(form: Mapping[str, str], *, offline: bool) -> Wish | dict[str, str]:
    """The wish in a form, or what is wrong with each field and how to mend it.

    Args:
        form: `public_url`, `name` and `organisation` as they were typed.
        offline: Whether GitHub is on this machine, too, and reaches what is on loopback.
    """
    wrong: dict[str, str] = {}
    url = form["public_url"].strip().rstrip("/")
    name, organisation = form["name"].strip() or some_name(), form["organisation"].strip()
    if problem := _wrong_url(url, offline=offline):
        wrong["public_url"] = problem
    if len(name) > LONGEST_NAME or not name.isprintable():
        wrong["name"] = f"Use {LONGEST_NAME} characters at most, in one line."
    if organisation and not _ORGANISATION.fullmatch(organisation):
        wrong["organisation"] = (
            "Give its name as it stands in its address: letters, digits and single dashes."
        )
    return wrong or Wish(str(URL(url).origin()), name, organisation)


def _wrong_url(text: str, *, offline: bool) -> str | None:
    try:
        url = read_url(text)
        whole = url.scheme in {"http", "https"} and bool(_HOST.fullmatch(url.raw_host or ""))
    except ValueError:
        url, whole = URL(), False
    if not whole:
        return "Give a whole address, such as https://bellhop.example.com."
    if url.user or url.password or url.query_string or url.fragment or url.path != "/":
        return "Give the address without a path, a user or anything behind it."
    if is_loopback(text):
        return None if offline else _TUNNEL
    if url.scheme == "http":
        return (
            "Use https: sign-in and GitHub's deliveries would travel unencrypted. A TLS proxy in "
            "front of Bellhop, or a tunnel, brings the certificate."
        )
    return None
