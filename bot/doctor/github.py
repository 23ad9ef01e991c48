"""Checks of what GitHub says of the App."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus

from bot.doctor.findings import Evidence, Finding, ok, problem, unchecked, warning
from bot.github.about import Said
from bot.github.errors import GitHubError, Refused
from bot.github.oauth import DEAD, OAuthClient
from bot.settings import is_loopback

PERMISSIONS = {"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write"}
"""What the App must be granted."""
EVENTS = ("issue_comment", "issues", "pull_request", "pull_request_review", "repository")
"""What the App must have subscribed to; events of installations come unasked."""
SKEW = 30.0
"""Seconds that the clock may be off: GitHub takes no proof that was made in its future."""
WEBHOOK = "/api/webhooks/github"

_LEVELS = ("none", "read", "write", "admin")


def answers(evidence: Evidence) -> Iterator[Finding]:
    """Whether GitHub knows this App by this key."""
    if evidence.app is None:
        yield _silent(evidence)
        return
    try:
        app = evidence.app.app()
    except Refused as error:
        remedy = "Check BELLHOP_APP_ID, BELLHOP_CLIENT_ID and the private key, and the clock."
        yield problem("GitHub", str(error), remedy)
        return
    except GitHubError as error:
        yield problem("GitHub", str(error), "Check BELLHOP_GITHUB_API_URL.")
        return
    wanted = evidence.settings.app_id
    if app.id != wanted:
        remedy = f"Set BELLHOP_APP_ID to {app.id}, or use the other App's key and client id."
        yield problem("GitHub", f"the key is of the App {app.id}, not {wanted}", remedy)
    else:
        yield ok("GitHub", f"{evidence.settings.github_api_url} knows the App {app.slug}")


def permissions(evidence: Evidence) -> Iterator[Finding]:
    """Whether the App asks for all that Bellhop needs."""
    try:
        app = evidence.app.app() if evidence.app else None
    except GitHubError:
        app = None
    if app is None:
        yield unchecked("permissions", "GitHub did not tell")
        yield unchecked("events", "GitHub did not tell")
        return
    granted = {name: app.permissions.get(name, "none") for name in PERMISSIONS}
    short = [
        f"{name}: {need} (it is {granted[name]})"
        for name, need in PERMISSIONS.items()
        if _LEVELS.index(granted[name]) < _LEVELS.index(need)
    ]
    yield _complete("permissions", short, "Permissions & events", ", ".join(PERMISSIONS))
    deaf = [name for name in EVENTS if name not in app.events]
    yield _complete("events", deaf, "Permissions & events", ", ".join(EVENTS))


def _complete(subject: str, lacking: list[str], page: str, all_of_it: str) -> Finding:
    if not lacking:
        return ok(subject, all_of_it)
    remedy = f"Add them under “{page}” on the App's page; owners are asked to agree."
    return problem(subject, f"the App lacks {', '.join(lacking)}", remedy)


def webhook(evidence: Evidence) -> Iterator[Finding]:
    """Whether GitHub delivers to where Bellhop is."""
    if evidence.hook is None:
        yield unchecked("webhook", "GitHub did not tell")
        return
    try:
        told = evidence.hook.hook().url
    except GitHubError as error:
        yield problem("webhook", str(error), "Turn the webhook on, on the App's page.")
        return
    public = evidence.settings.public_url
    wanted = {f"{public}{WEBHOOK}", f"{public}/api/v1{WEBHOOK.removeprefix('/api')}"}
    if told in wanted:
        yield ok("webhook", told)
    elif told and is_loopback(public):
        yield ok("webhook", f"{told}: see that it leads to {public}{WEBHOOK}")
    else:
        remedy = f"Set it to {public}{WEBHOOK} on the App's page, or change BELLHOP_BASE_URL."
        yield problem("webhook", f"GitHub delivers to {told or 'nowhere'}", remedy)


def clock(evidence: Evidence) -> Iterator[Finding]:
    """Whether this machine and GitHub agree about the time."""
    yield clock_finding(evidence.asked_at, evidence.app.date if evidence.app else None)


def clock_finding(ours: datetime, theirs: datetime | None) -> Finding:
    """The same, of a time of ours and what GitHub told then."""
    if theirs is None:
        return unchecked("clock", "GitHub did not tell the time")
    off = (ours - theirs).total_seconds()
    if abs(off) > SKEW:
        way = "ahead of" if off > 0 else "behind"
        remedy = "Set the clock of this machine, best by NTP: GitHub refuses what it signs."
        return problem("clock", f"it is {abs(off):.0f} s {way} GitHub's", remedy)
    return ok("clock", f"within {SKEW:.0f} s of GitHub's")


def sign_in(evidence: Evidence) -> Iterator[Finding]:
    """Whether people can sign in on the page; comments work without."""
    client = OAuthClient(evidence.settings.client_id, evidence.settings.client_secret)
    if not client.is_complete:
        remedy = "Set BELLHOP_CLIENT_ID and BELLHOP_CLIENT_SECRET, from the App's page."
        yield warning("sign-in", "commands work, but nobody can sign in on the page", remedy)
    elif evidence.client is None:
        yield unchecked("sign-in", "GitHub did not tell")
    else:
        yield client_finding("sign-in", evidence.client)


def client_finding(subject: str, said: Said) -> Finding:
    """What GitHub said to the client id and secret, asked about a token that is none."""
    if said.status == HTTPStatus.UNAUTHORIZED:
        return problem(
            subject,
            "GitHub does not take the client id and secret",
            "Compare BELLHOP_CLIENT_ID with the App's page, and make a new client secret there for "
            "BELLHOP_CLIENT_SECRET.",
        )
    if said.status in DEAD:
        return ok(subject, "GitHub knows the App by its client id and secret")
    return unchecked(subject, f"GitHub answered {said.status}")


def _silent(evidence: Evidence) -> Finding:
    if not evidence.asked:
        return unchecked("GitHub", evidence.silence)
    remedy = "Check BELLHOP_GITHUB_API_URL and this machine's way there."
    return problem("GitHub", evidence.silence, remedy)
