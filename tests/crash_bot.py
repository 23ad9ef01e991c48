"""What a Bellhop that is to be killed runs in its process: the real thing, with shorter waits."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot import log
from bot.serve import serve
from bot.settings import Settings
from bot.tempo import Tempo


def run(settings: dict[str, object], output: Path) -> None:
    """Serve until the process ends, whatever ends it; the log goes to a file."""
    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    log.set_up("info", "json")
    tempo = Tempo(backoff_unit=0.05, settle=0.05)
    asyncio.run(serve(Settings.model_validate(settings), tempo))
