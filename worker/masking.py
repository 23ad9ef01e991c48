"""Keeps secrets out of everything that leaves the worker."""

from __future__ import annotations

import re
import threading

MASK = "***"
SHORTEST = 6  # characters; shorter values would mask ordinary words
UNSURE = 40  # characters of a GitHub token that the patterns do not know for one yet
PATTERNS = (r"gh[pousr]_[A-Za-z0-9._-]{36,}", r"github_pat_[A-Za-z0-9_]{20,}")


class Masker:
    """Replaces every known secret and whatever looks like a GitHub token. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._pattern = re.compile("|".join(PATTERNS))

    def add(self, *secrets: str) -> None:
        """Know more secrets: each whole, and each of its lines since logs go line by line."""
        with self._lock:
            for secret in secrets:
                for part in (secret, secret.strip(), *secret.splitlines()):
                    if len(part) >= SHORTEST:
                        self._secrets.add(part)
            # The longest first, so that no secret is left half shown by a shorter one in it.
            known = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join((*map(re.escape, known), *PATTERNS)))

    def mask(self, text: str) -> str:
        """The text without its secrets."""
        return self._pattern.sub(MASK, text)

    def mask_beginning(self, text: str) -> str:
        """The same for a text that was cut off: what may be half a secret at its end goes too."""
        with self._lock:
            longest = max(map(len, self._secrets), default=0)
        return self.mask(text)[: -max(longest, UNSURE)]
