"""The folder of everything that Bellhop keeps, and who may pass through it."""

from __future__ import annotations

from bot.settings import Settings

PASSABLE = 0o711
"""Mode of folders that workers of another user pass through without seeing what is in them."""


def make_folder(settings: Settings) -> None:
    """The data folder is the bot's own; workers of another user may only pass through it."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.worker_user is not None:
        workers = settings.data / "workers"
        workers.mkdir(exist_ok=True)
        for folder in (settings.data, workers):
            folder.chmod(PASSABLE)
