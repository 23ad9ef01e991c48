"""What the OpenAPI document says holds for whatever schemathesis sends to a running Bellhop."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.story import staged

ROOT = Path(__file__).parent.parent
EXAMPLES = 8
"""Examples of each operation in each of the phases."""


async def asked(url: str, folder: Path, *options: str) -> tuple[int, str]:
    """Let schemathesis ask, with all its checks; its exit code and what it printed."""
    hooks = {"SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
        *("--phases", "examples,coverage,fuzzing", "--request-timeout", "20"),
        *("--generation-database", "none", "--continue-on-failure"),
        *options,
        cwd=folder,
        env=os.environ | hooks,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.timeout(300)
async def test_a_stranger_gets_only_answers_that_are_written_down(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        code, output = await asked(stage.settings.public_url, tmp_path)
    assert code == 0, output
