"""Addresses on GitHub that pages lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GitHubLinks:
    """Where things are on this GitHub; `app_name` is the App's slug."""

    web_url: str
    api_url: str
    app_name: Callable[[], str]

    def install(self) -> str:
        """Where the App is installed on another account, or on more repositories of one."""
        return f"{self.app()}/installations/new"

    def app(self) -> str:
        """The App's own page; GitHub Enterprise Server has it in another place."""
        folder = "github-apps" if self.api_url.endswith("/api/v3") else "apps"
        return f"{self.web_url}/{folder}/{self.app_name()}"
