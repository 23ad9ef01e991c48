"""A Bellhop that has been at work for a while, with one of everything."""

from __future__ import annotations

from tests.http_github import signed_in
from tests.http_tasks import Client
from tests.pages.place import Place

AGENT = (
    'case "$(cat)" in *"cannot be done"*) echo "There is no such file." >&2; exit 3;; '
    '*"take your time"*) sleep 600;; esac; '
    "echo fixed >> fix.txt; echo 'I counted the **last page**, too, and added a test.'"
)
"""An agent that fails, takes its time or mends, as it is told."""


async def busy(there: Place) -> dict[str, str]:
    """Let things happen; the pages on which they are seen."""
    desk, stage = there.desk, there.desk.stage
    alice = await desk.client("alice")
    await signed_in(desk, "alice")
    await desk.secret("alice")
    done = await _ended(there, alice, "Count the last page, too.", issueNumber=1)
    failed = await _ended(there, alice, "What cannot be done", webhookUrl="http://127.0.0.1:9/")
    stage.comments("alice", "/bellhop help")
    await stage.sim.settled()
    asked = await alice.ask("Please take your time with this one, it is a long story.")
    await desk.in_state(asked.id, "working")
    (secret,) = await stage.bot.store.people.webhook_secrets_of(desk.person("alice").id)
    key, *_ = await stage.bot.store.people.keys_of(desk.person("alice").id)
    return {
        "feed": "/",
        "plots": "/plots",
        "task-completed": f"/tasks/{done}",
        "task-failed": f"/tasks/{failed}",
        "task-running": f"/tasks/{asked.id}",
        "task-delete": f"/tasks/{done}/delete",
        "keys": "/settings/keys",
        "key-delete": f"/settings/keys/{key.id}/delete",
        "webhook-secrets": "/settings/webhook-secrets",
        "webhook-secret-delete": f"/settings/webhook-secrets/{secret.id}/delete",
        "deliveries": "/deliveries",
        "deliveries-sent": "/deliveries?direction=outbound",
        "search-wrong": "/?q=nonsense%3Ahere",
    }


async def _ended(there: Place, client: Client, prompt: str, **more: object) -> str:
    """Ask for a task and wait for its end."""
    asked = await client.ask(prompt, **more)
    assert asked.status == 202, asked.raw
    await there.desk.in_state(asked.id, "completed" if "too" in prompt else "failed")
    return asked.id
