"""What a provider said of a key, on its way to the page that tells it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from bot.http.caller import Caller
from bot.http.once import Once
from bot.preferences import Checked

KINDS = {"valid": "is-good", "invalid": "is-bad", "unknown": "is-info"}


@dataclass(frozen=True, slots=True)
class Told:
    """What `who` said of a key."""

    who: str
    checked: Checked
    saved: bool = False

    @property
    def kind(self) -> str:
        """How it looks."""
        return KINDS[self.checked.result]

    @property
    def text(self) -> str:
        """In words."""
        return f"{'Saved. ' if self.saved else ''}{self.checked.detail}"


@dataclass(frozen=True, slots=True)
class Checks:
    """Keeps what was said until the page is loaded, once."""

    once: Once = field(default_factory=Once)

    def put(self, caller: Caller, told: Told) -> str:
        """Keep it; the ticket by which the page takes it."""
        return self.once.put(caller.session_id, json.dumps(asdict(told)))

    def take(self, caller: Caller, ticket: str | None) -> Told | None:
        """What waits for a ticket."""
        found = self.once.take(caller.session_id, ticket)
        if found is None:
            return None
        values = json.loads(found)
        return Told(values["who"], Checked(**values["checked"]), values["saved"])
