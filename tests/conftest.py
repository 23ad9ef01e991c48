"""Tests run in any order, but for those that may take long: they begin first."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """At the end no worker waits for another that has just begun with one of those.

    They are known by a time limit of their own. Among themselves, too, they are in random order.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
