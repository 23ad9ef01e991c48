"""The real programs of the agents, driven by the worker, against a model that plays a script.

They are not part of the other tests, since they are a gigabyte of other people's programs, and new
ones every day: `make test-agents` installs the newest and runs this.
"""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from tests.agents.model_server import SAID, model_server
from tests.test_worker_run import BRANCH, Bellhop, begin, pushed
from tests.test_worker_run import bellhop as bellhop  # noqa: PLC0414 - a fixture
from tests.test_worker_run import template as template  # noqa: PLC0414 - a fixture

HERE = Path(__file__).parent
PYTHON = ":".join(f"{HERE}/python/{name}/bin" for name in ("mini-swe-agent", "aider-chat"))
PATH = f"{HERE}/node_modules/.bin:{PYTHON}:{os.environ['PATH']}"
KEY = "sk-very-secret-value"


@dataclass
class Real:
    """An agent's program, a model for it, its key, and how it is told where the model is.

    `<url>` in them stands for the address of the model's server.
    """

    program: str
    model: str
    key: str
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    knows_cost: bool = True
    settings: str = ""


CODEX = '{name="s",base_url="<url>/v1",wire_api="responses",env_key="CODEX_API_KEY"}'
REAL = {
    "claude": Real(
        "claude", "claude-sonnet-4-5", "ANTHROPIC_API_KEY", {"ANTHROPIC_BASE_URL": "<url>"}
    ),
    "codex": Real(
        "codex",
        "openai/gpt-5",
        "OPENAI_API_KEY",
        options=("-c", 'model_provider="s"', "-c", f"model_providers.s={CODEX}"),
        knows_cost=False,
    ),
    "opencode": Real(
        "opencode",
        "anthropic/claude-sonnet-4-5",
        "ANTHROPIC_API_KEY",
        {
            "OPENCODE_CONFIG_CONTENT": (
                '{"provider":{"anthropic":{"options":{"baseURL":"<url>/v1"}}}}'
            )
        },
    ),
    "gemini": Real(
        "gemini",
        "gemini/gemini-2.5-pro",
        "GEMINI_API_KEY",
        # With another address it does not choose the key by itself.
        {"GOOGLE_GEMINI_BASE_URL": "<url>", "GEMINI_CLI_SYSTEM_SETTINGS_PATH": "<settings>"},
        settings='{"security":{"auth":{"selectedType":"gemini-api-key"}}}',
        knows_cost=False,
    ),
    "aider": Real("aider", "openai/gpt-4o", "OPENAI_API_KEY", {"OPENAI_API_BASE": "<url>/v1"}),
    "mini-swe-agent": Real(
        "mini", "openai/gpt-4o", "OPENAI_API_KEY", {"OPENAI_API_BASE": "<url>/v1"}
    ),
}


def led_to(real: Real, url: str, folder: Path) -> Path:
    """A program of the same name that tells the real one where the model is."""
    found = shutil.which(real.program, path=PATH)
    if found is None:
        pytest.skip(f"{real.program} is not there: `make test-agents` installs it.")
    # One of them takes settings only from a folder that nobody else can write to.
    settings = HERE / "node_modules" / f"{real.program}-settings.json"
    if real.settings:
        settings.write_text(real.settings)
    told = {"<url>": url, "<settings>": str(settings)}

    def where(text: str) -> str:
        for name, value in told.items():
            text = text.replace(name, value)
        return shlex.quote(text)

    exports = [f"export {name}={where(text)}\n" for name, text in real.environment.items()]
    # Its options come after its subcommand.
    options = "".join(f" {where(one)}" for one in real.options)
    script = folder / real.program
    folder.mkdir()
    script.write_text("#!/bin/sh\n" + "".join(exports) + _start(shlex.quote(found), options))
    script.chmod(0o755)
    return folder


def _start(found: str, options: str) -> str:
    if not options:
        return f'exec {found} "$@"\n'
    return f'first=$1\nshift\nexec {found} "$first"{options} "$@"\n'


@pytest.mark.timeout(240)
@pytest.mark.parametrize("agent", REAL)
async def test_the_real_one_does_a_task(bellhop: Bellhop, tmp_path: Path, agent: str) -> None:
    real = REAL[agent]
    async with TestServer(model_server()) as server:
        url = str(server.make_url("")).rstrip("/")
        folder = led_to(real, url, tmp_path / "bin")
        bellhop.assignment |= {
            "agent": agent,
            "agentCommand": None,
            "model": real.model,
            "credentials": {real.key: KEY},
            "maxCost": 5,
        }
        worker = await begin(bellhop, PATH=f"{folder}:{PATH}")
        assert await worker.ended(200) == 0
    (done,) = bellhop.completions
    assert done["status"] == "completed", bellhop.logs
    assert pushed(bellhop, "show", f"{BRANCH}:mended.txt") == "mended"
    assert pushed(bellhop, "show", "--name-only", "--format=", BRANCH) == "mended.txt"
    assert SAID in done["summary"]
    assert ("costUsd" in done["usage"]) is real.knows_cost
    if agent != "mini-swe-agent":
        assert done["usage"]["inputTokens"] >= 100
    assert not any(KEY in text for _, text in bellhop.logs)
