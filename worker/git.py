"""Calls git so that it asks nothing, runs nothing of the repository's and keeps no token."""

from __future__ import annotations

import base64
import os
import random
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from worker.children import capture
from worker.client import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE
from worker.limits import LONGEST_REST, rest_asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.masking import Masker
    from worker.orders import Orders

# What git says when the other side was not there, rather than said no; the last is the push gate's.
AWAY = re.compile(
    r"failed to connect|couldn't connect|connection refused|connection reset|recv failure|"
    r"send failure|failure when (?:receiving|sending)|transfer closed|not closed cleanly|"
    r"empty reply|could not resolve host|timed out|hung up unexpectedly|early eof|"
    r"unexpected disconnect|gnutls recv error|ssl_error_syscall|rate limit|"
    r"returned error: (5\d\d|429)|; push again",
    re.IGNORECASE,
)
PASSED_ON = ("http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE")
# The agent could have left hooks, helpers and keys in the checkout: none of them is to run.
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "commit.gpgSign": "false",
    "credential.helper": "",
    "gc.auto": "0",
}


class GitFailed(Exception):  # noqa: N818  its text is git's own
    """Git said no. `away`: whoever it talked to was not there, or for now wants to be left alone.

    `rest` are the seconds for which it said so.
    """

    def __init__(self, words: str, rest: float | None = None) -> None:
        super().__init__(words)
        self.away = rest is not None or bool(AWAY.search(words))
        self.rest = rest


class Git:
    """Git in one checkout. The repository is named, not looked for."""

    def __init__(
        self, folder: Path, masker: Masker, orders: Orders, patience: float = PATIENCE
    ) -> None:
        self.folder = folder
        self.directory = folder / ".git"
        self._masker, self._orders, self._patience = masker, orders, patience

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        settings: Mapping[str, str] | None = None,
        index: Path | None = None,
        trace: Path | None = None,
    ) -> bytes:
        """Run git and return its standard output.

        Args:
            arguments: Git's own.
            given: What it reads.
            settings: Configuration for this call alone; it goes by the environment, so that a
                token shows neither among the processes nor in a file.
            index: Another index than the checkout's.
            trace: A file for what servers answer beside the contents; git keeps tokens out of it.

        Raises:
            GitFailed: With git's words, masked.
        """
        environment = self._environment({**SETTINGS, **(settings or {})})
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        if trace is not None:
            environment |= {"GIT_TRACE_CURL": str(trace), "GIT_TRACE_CURL_NO_DATA": "1"}
        command = ("git", *arguments)
        code, output, words = capture(command, self.folder, environment, given, self._orders)
        if code != 0:
            words = self._masker.mask(words) or f"git {arguments[0]} ended with {code}."
            raise GitFailed(words, _rest(trace))
        return output

    def talk(self, *arguments: str, settings: Mapping[str, str]) -> bytes:
        """Run git towards a server, again and again while that is away.

        Where it says how long it wants to be left alone, it is, whatever the patience: the
        attempt's own time is the bound.

        Raises:
            GitFailed: The server said no, or was away for too long.
        """
        until = time.monotonic() + self._patience
        delay = FIRST_PAUSE
        while True:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    return self.run(*arguments, settings=settings, trace=Path(folder) / "trace")
            except GitFailed as error:
                wait = delay * random.uniform(0.5, 1)
                if error.rest is not None and error.rest <= LONGEST_REST:
                    wait += error.rest
                    until = max(until, time.monotonic() + wait + self._patience)
                if not error.away or time.monotonic() + wait > until:
                    raise
            self._orders.pause(wait)
            delay = min(delay * 2, LONGEST_PAUSE)

    def names(self, *arguments: str, index: Path | None = None) -> list[str]:
        """Run a listing that ends each name with a zero byte (`-z`)."""
        output = self.run(*arguments, index=index)
        return [os.fsdecode(name) for name in output.split(b"\0") if name]

    def word(self, *arguments: str) -> str:
        """Run git and return the one line it prints."""
        return self.run(*arguments).decode(errors="replace").strip()

    def basic(self, url: str, token: str) -> dict[str, str]:
        """The settings by which GitHub takes a token, as user `x-access-token`.

        No redirect is followed: git would take the token along to wherever it leads.
        """
        header = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        self._masker.add(header)
        return _authorised(url, f"Basic {header}")

    def bearer(self, url: str, token: str) -> dict[str, str]:
        """The settings by which Bellhop takes the worker's token; no redirect is followed."""
        return _authorised(url, f"Bearer {token}")

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "GIT_DIR": str(self.directory),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": "http:https",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return environment


def _rest(trace: Path | None) -> float | None:
    if trace is None or not trace.exists():
        return None
    return rest_asked_for(trace.read_text(errors="replace"), time.time())


def _authorised(url: str, credentials: str) -> dict[str, str]:
    return {
        f"http.{url}.extraHeader": f"Authorization: {credentials}",
        "http.followRedirects": "false",
    }
