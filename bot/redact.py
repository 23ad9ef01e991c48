"""One redactor for everything that leaves Bellhop or is kept by it: logs, timeline, comments."""

from __future__ import annotations

import re

# `sk-` ends many a word, as `task-list-of-the-team` has it: what begins a key stands alone, after
# an escape of JSON or of an address, or after a terminal's colour.
_ALONE = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2})"
    r"|(?<=[0-9\[]m))"
)

# GitHub's formats: "Behind GitHub's new authentication token formats" and the 2026 change that
# made installation tokens about 520 characters long, with dots and dashes in them.
_SECRETS = re.compile(
    r"gh[pousr]_[A-Za-z0-9._-]{36,}"
    r"|github_pat_[A-Za-z0-9_]{20,}"
    r"|bhw_[A-Za-z0-9_=-]{20,}"
    r"|bh_[A-Za-z0-9]{20,}"
    r"|whsec_[A-Za-z0-9+/=]{20,}"
    rf"|{_ALONE}(?:sk-[A-Za-z0-9_-]{{20,}}|AQ\.[A-Za-z0-9_-]{{30,}})"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|(?:gsk_|xai-)[A-Za-z0-9]{20,}"
    r"|fm[12][a-z]?_[A-Za-z0-9+/=_-]{20,}"
    r"|FlyV1 [A-Za-z0-9_,=+/-]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


MASK = "***"


def redact(text: str) -> str:
    """The text with `***` in place of everything that looks like a secret."""
    return _SECRETS.sub(MASK, text)
