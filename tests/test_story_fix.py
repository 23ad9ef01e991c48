"""From a comment to a pull request."""

from __future__ import annotations

from pathlib import Path

from inline_snapshot import snapshot

from tests.story import staged


async def test_fix_opens_a_pull_request(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        comment = stage.comments("alice", "/fix it please")
        task = await stage.ended()
        assert [one.content for one in comment.reactions] == ["eyes"]
        assert task.status == "completed"
        assert stage.replies() == snapshot(['✅ **`/fix`** · `NAME`: completed in 0 s: https://github.test/acme/widgets/pull/2', """\
🛎️ Done: https://github.test/acme/widgets/pull/2

Added the missing line.\
"""])
        (pull,) = stage.repository.pulls
        assert pull.title == snapshot('it please')
        assert pull.body == snapshot("""\
Added the missing line.

Closes #1

---
Asked for by alice with `/fix` in #1. Written by the agent `command` as `quick-fox-725`: review it like any other change.\
""")
