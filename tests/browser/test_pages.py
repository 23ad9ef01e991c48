"""Every page, narrow and wide, light and dark: it fits, and keeps nobody out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.window import NARROW, WIDE, Scheme, Windows
from tests.story import staged


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
async def test_the_api_is_shown(
    windows: Windows, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    async with staged(tmp_path) as stage:
        window = await windows.open(stage.settings.public_url, width=width, scheme=scheme)
        assert await window.go("/docs") == 200
        assert await window.fits()
        assert await window.barriers() == []
        await window.shot(f"docs-{width}-{scheme}")
