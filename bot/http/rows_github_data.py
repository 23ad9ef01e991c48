"""What somebody who has signed in sees of GitHub."""

from __future__ import annotations

from bot.http.cursors import NAME
from bot.http.github_bodies import (
    InstallationList,
    IssueList,
    OrgList,
    ProfileBody,
    RepositoryList,
    Summary,
    WholeIssue,
)
from bot.http.github_data import MOST, USUAL
from bot.http.github_search import LONGEST
from bot.http.openapi_parts import Answer, Content, Route, path, query, text_like
from bot.http.rows_common import ASKED_BY_PEOPLE

_TAG = "GitHub"
_SESSION = ("session",)
_ASKED = ASKED_BY_PEOPLE | {
    401: "Nobody has signed in, or GitHub takes their sign-in no more: sign in again.",
    403: "A key may not do this, or GitHub does not show it to you.",
    503: "GitHub does not answer, or its limit for you is reached. `Retry-After` says when to try "
    "again.",
}
_NAME = text_like("^[A-Za-z0-9_.-]{1,100}$")
_WHERE = (
    path("owner", "The login of the repository's owner.", _NAME),
    path("repo", "The repository's name.", _NAME),
)
_Q = query("q", "Words that are all to be found.", {"type": "string", "maxLength": LONGEST})
_LIMIT = query(
    "limit",
    f"How many at most, {USUAL} if left out.",
    {"type": "integer", "minimum": 1, "maximum": MOST},
)
_RANGE = {422: "A parameter is out of range; `errors` tells which."}

ROUTES = (
    Route(
        "GET",
        "/api/github/summary",
        "getGitHubSummary",
        _TAG,
        "What there is for you, in a few numbers, and your tasks that have not ended.",
        {200: Answer("The summary.", Content(Summary))},
        _ASKED,
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/github/profile",
        "getGitHubProfile",
        _TAG,
        "Who you are on GitHub.",
        {200: Answer("Your profile.", Content(ProfileBody))},
        _ASKED,
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/github/orgs",
        "listGitHubOrgs",
        _TAG,
        "List the organisations that you belong to.",
        {200: Answer("Those that the App may know of.", Content(OrgList))},
        _ASKED,
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/github/installations",
        "listGitHubInstallations",
        _TAG,
        "List where the App is installed and you see a repository.",
        {200: Answer("The installations.", Content(InstallationList))},
        _ASKED,
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/github/repositories",
        "listGitHubRepositories",
        _TAG,
        "List the repositories that the App is installed on and you see, by name.",
        {200: Answer("A page of them.", Content(RepositoryList))},
        _ASKED | _RANGE | {400: "The cursor is none of ours."},
        parameters=(
            _Q,
            _LIMIT,
            query(
                "cursor", "Where the page begins: `nextCursor` of the page before.", text_like(NAME)
            ),
        ),
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/github/issues/{owner}/{repo}",
        "listGitHubIssues",
        _TAG,
        "List a repository's open issues and pull requests, the last touched first; a number in "
        "`q` finds also a closed one.",
        {200: Answer("The issues.", Content(IssueList))},
        _ASKED | _RANGE | {400: "The address names no repository.", 404: "You see no such one."},
        parameters=(*_WHERE, _Q, _LIMIT),
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/github/issues/{owner}/{repo}/{number}",
        "getGitHubIssue",
        _TAG,
        "One issue or pull request, with the beginning of what it says.",
        {200: Answer("The issue.", Content(WholeIssue))},
        _ASKED | {400: "The address names no issue.", 404: "You see no such one."},
        parameters=(
            *_WHERE,
            path("number", "Its number.", {"type": "integer", "minimum": 1, "maximum": 999999999}),
        ),
        security=_SESSION,
    ),
)
