"""The pictures of the README: work in several repositories, as it looks on an ordinary day."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from simulator.model import Repository
from tests.http_github import signed_in
from tests.http_tasks import Client
from tests.pages.history import fill
from tests.pages.place import place
from tests.pages.window import Windows
from tests.story import Stage

AGENT = r"""
case "$(cat)" in
  *"checkout"*) echo "npm test"; echo "2 tests of the cart fail, as they did before." >&2; exit 1;;
  *"search"*)
    echo "Reading widgets/search.py and its tests."
    echo "The index is built anew at each request: that is what takes 2 seconds."
    echo "Keeping the index between requests, and building it anew when a file has changed."
    echo "pytest -q tests/test_search.py"
    echo "......................                                            [100%]"
    echo "22 passed in 0.41s"
    echo "Measuring again with 10,000 files."
    sleep 600;;
esac
echo fixed >> fix.txt
echo "Done, with a test."
"""
OTHERS = {"acme/checkout": 0.9, "acme/handbook": 0.2}
PROMPTS = {
    "acme/handbook": ("Correct the spelling in the chapter about releases", "completed"),
    "acme/checkout": ("Let the checkout take coupons with a dash in them", "failed"),
    "acme/widgets": ("Count the last page, even if it is not full", "completed"),
}
SEARCH = "The search takes 2 seconds on large repositories. Make it answer in 100 ms."
SO_FAR = {
    "progress": 64,
    "message": "Measuring again with 10,000 files",
    "usage": {"inputTokens": 48_210, "outputTokens": 9_344, "costUsd": 0.37},
}


async def _ask(client: Client, repository: str, prompt: str, **more: object) -> str:
    url = f"{client.stage.settings.github_url}/{repository}"
    asked = await client.ask(prompt, repoUrl=url, **more)
    assert asked.status == 202, asked.raw
    return asked.id


async def test_an_ordinary_day(windows: Windows, tmp_path: Path) -> None:
    made: dict[str, Repository] = {}

    def prepare(stage: Stage) -> None:
        for name in OTHERS:
            made[name] = stage.sim.add_repository(name, {"README.md": f"# {name}\n"})
            made[name].set_role("alice", "write")
            stage.sim.install(made[name])
        stage.repository.issues[0].title = "The search is slow"

    async with place(tmp_path, windows, prepare, agent_command=AGENT) as there:
        desk, stage = there.desk, there.desk.stage
        alice = await desk.client("alice")
        await signed_in(desk, "alice")
        for repository, (prompt, status) in PROMPTS.items():
            await desk.in_state(await _ask(alice, repository, prompt), status)
        running = await _ask(alice, "acme/widgets", SEARCH, issueNumber=1, maxCost=5)
        task = await desk.in_state(running, "working")
        prices = [(made[name].id, price) for name, price in OTHERS.items()]
        fill(there, "alice", [(stage.repository.id, 0.5), *prices])

        window = await there.window("alice", width=1040)
        page = window.page
        await window.go(f"/tasks/{running}")
        await expect(page.get_by_text("Measuring again with 10,000 files.")).to_be_visible()
        assert (await stage.call("POST", "progress", task, SO_FAR))[0] == 200
        await expect(page.locator(".gauges")).to_contain_text("$0.37")
        await window.shot("readme-task")
        await window.go("/")
        await expect(page.locator(".feed .ticket")).to_have_count(4)
        await window.shot("readme-feed")
        await window.go("/plots")
        assert "acme/checkout" in await window.text()
        await window.shot("readme-plots")
        assert await window.barriers() == []
        dark = await there.window("alice", scheme="dark", width=360)
        await dark.go("/plots")
        await dark.shot("plots-360-dark", whole=True)
        assert await dark.barriers() == []
        assert await dark.fits()
