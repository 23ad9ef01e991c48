"""The addresses of sign-in, and how browsers are sent from one to the next."""

from __future__ import annotations

from aiohttp import web

CALLBACK = "/api/auth/github/callback"
"""Where GitHub sends people back to: below the base URL it is the App's callback URL."""
INSTALLED = "/api/auth/github/installed"
"""Where GitHub sends people who have installed the App; the App's setup URL."""
BEGIN = "/api/auth/github"
SIGN_IN = "/sign-in"
INSTALLATIONS = "/installations"


def send_to(path: str) -> web.Response:
    """Send a browser on: to a path of ours or to GitHub's address, written as it is."""
    headers = {"Location": path, "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)


def wants_page(request: web.Request) -> bool:
    """Whether a person with a browser asks, who is better served by a page."""
    return "text/html" in request.headers.get("Accept", "")
