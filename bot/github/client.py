"""GitHub, as the rest of the bot sees it."""

from __future__ import annotations

from bot.github.hook_log import HookLog
from bot.github.reading import Reading
from bot.github.writing import Writing


class GitHub(Reading, Writing, HookLog):
    """Everything the bot asks of GitHub's REST API and does through it.

    Questions are repeated for about five seconds where that may help; writes are sent once. All
    fail with one of the three kinds of `bot.github.errors`.
    """
