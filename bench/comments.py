"""Deliveries of `issue_comment.created` in GitHub's shape and size, signed and ready to send."""

from __future__ import annotations

import hmac
import json
import uuid

SECRET = b"a secret for the bench alone"
APP_ID = 4711
SIZE = 10_240
COMMAND = "/fix the crash when the list is empty, and add a test for it"
CHATTER = "Thanks, I see it here as well: it crashes when the list is empty."

_API = "https://api.github.com"
_ID = 9_999_999_999
_TEXT = "@@text@@"


def _account(login: str, number: int) -> dict[str, object]:
    url = f"{_API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_kgDO{number:08d}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def _repository(owner: dict[str, object]) -> dict[str, object]:
    url = f"{_API}/repos/octo-org/hello-world"
    parts = (
        "forks keys collaborators teams hooks issue_events events assignees branches tags blobs "
        "git_tags git_refs trees statuses languages stargazers contributors subscribers "
        "subscription commits git_commits comments issue_comment contents compare merges archive "
        "downloads issues pulls milestones notifications labels releases deployments"
    )
    return {
        "id": 186853002,
        "node_id": "R_kgDOCyNtSg",
        "name": "hello-world",
        "full_name": "octo-org/hello-world",
        "private": True,
        "owner": owner,
        "html_url": "https://github.com/octo-org/hello-world",
        "description": "A place to try things",
        "fork": False,
        "url": url,
        **{f"{part}_url": f"{url}/{part}{{/id}}" for part in parts.split()},
        "created_at": "2024-05-15T15:19:25Z",
        "updated_at": "2026-05-15T15:20:13Z",
        "pushed_at": "2026-05-15T15:20:13Z",
        "git_url": "git://github.com/octo-org/hello-world.git",
        "ssh_url": "git@github.com:octo-org/hello-world.git",
        "clone_url": "https://github.com/octo-org/hello-world.git",
        "svn_url": "https://github.com/octo-org/hello-world",
        "homepage": None,
        "size": 1204,
        "stargazers_count": 7,
        "watchers_count": 7,
        "language": "Python",
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": True,
        "has_pages": False,
        "forks_count": 1,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "open_issues_count": 12,
        "license": None,
        "topics": [],
        "visibility": "private",
        "forks": 1,
        "open_issues": 12,
        "watchers": 7,
        "default_branch": "main",
    }


def _payload() -> dict[str, object]:
    author, owner = _account("monalisa", 21031067), _account("octo-org", 38302899)
    issue_url = f"{_API}/repos/octo-org/hello-world/issues/42"
    page = "https://github.com/octo-org/hello-world/issues/42"
    return {
        "action": "created",
        "issue": {
            "url": issue_url,
            "repository_url": f"{_API}/repos/octo-org/hello-world",
            "labels_url": f"{issue_url}/labels{{/name}}",
            "comments_url": f"{issue_url}/comments",
            "events_url": f"{issue_url}/events",
            "html_url": page,
            "id": 2444500041,
            "node_id": "I_kwDOCyNtSs6RtAAB",
            "number": 42,
            "title": "Crash when the list is empty",
            "user": author,
            "labels": [
                {
                    "id": 1362934389,
                    "node_id": "LA_kwDOCyNtSs5RPF",
                    "url": f"{_API}/repos/octo-org/hello-world/labels/bug",
                    "name": "bug",
                    "color": "d73a4a",
                    "default": True,
                    "description": "Something is not working",
                }
            ],
            "state": "open",
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": 3,
            "created_at": "2026-05-14T09:20:18Z",
            "updated_at": "2026-05-15T15:20:21Z",
            "closed_at": None,
            "author_association": "MEMBER",
            "active_lock_reason": None,
            "body": "",
            "reactions": {"url": f"{issue_url}/reactions", "total_count": 0, "+1": 0, "eyes": 0},
            "timeline_url": f"{issue_url}/timeline",
            "performed_via_github_app": None,
            "state_reason": None,
        },
        "comment": {
            "url": f"{issue_url}/comments/{_ID}",
            "html_url": f"{page}#issuecomment-{_ID}",
            "issue_url": issue_url,
            "id": _ID,
            "node_id": "IC_kwDOCyNtSs5dXdAQ",
            "user": author,
            "created_at": "2026-05-15T15:20:21Z",
            "updated_at": "2026-05-15T15:20:21Z",
            "author_association": "MEMBER",
            "body": _TEXT,
            "reactions": {"url": f"{issue_url}/reactions", "total_count": 0, "+1": 0, "eyes": 0},
            "performed_via_github_app": None,
        },
        "repository": _repository(owner),
        "organization": {"login": "octo-org", "id": 38302899, "url": f"{_API}/orgs/octo-org"},
        "sender": author,
        "installation": {"id": 5150, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNTE1MA=="},
    }


def template(text: str) -> bytes:
    """A body of exactly SIZE bytes, whose comment has a number to be replaced."""
    payload = _payload()
    short = len(_encode(payload, text))
    issue = payload["issue"]
    assert isinstance(issue, dict)
    issue["body"] = ("It stops with an IndexError. " * 400)[: SIZE - short]
    body = _encode(payload, text)
    assert len(body) == SIZE, len(body)
    return body


def _encode(payload: dict[str, object], text: str) -> bytes:
    return json.dumps(payload, separators=(",", ":")).replace(_TEXT, text).encode()


def request(body_template: bytes, number: int) -> bytes:
    """One whole HTTP request: its own comment, delivery id and signature.

    The delivery's id is made of the time, as GitHub's are (the example of its documentation is
    72d3162e-cc78-11e3-81ab-4c9367dc0958): neighbours in time are neighbours in an index.
    """
    body = body_template.replace(str(_ID).encode(), str(1_000_000_000 + number).encode())
    lines = (
        "POST /api/webhooks/github HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: GitHub-Hookshot/044aadd",
        "Accept: */*",
        "Content-Type: application/json",
        "X-GitHub-Event: issue_comment",
        f"X-GitHub-Delivery: {uuid.uuid1()}",
        "X-GitHub-Hook-ID: 292430182",
        f"X-GitHub-Hook-Installation-Target-ID: {APP_ID}",
        "X-GitHub-Hook-Installation-Target-Type: integration",
        f"X-Hub-Signature-256: sha256={hmac.digest(SECRET, body, 'sha256').hex()}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
