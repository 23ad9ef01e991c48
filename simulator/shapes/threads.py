"""Issues, pull requests, comments and reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from simulator.model import REACTIONS, PullRequest
from simulator.shapes import Json, Site, node_id, stamp
from simulator.shapes.accounts import app, user
from simulator.shapes.repositories import repository

if TYPE_CHECKING:
    from simulator.model import Comment, Issue, Label, Reaction, Repository, User


def issue_url(site: Site, found: Issue) -> str:
    """Return the page of an issue or a pull request."""
    kind = "pull" if isinstance(found, PullRequest) else "issues"
    return f"{site.web}/{found.repository.full_name}/{kind}/{found.number}"


def _api(site: Site, owner: Repository) -> str:
    return f"{site.api}/repos/{owner.full_name}"


def association(owner: Repository, account: User) -> str:
    """Return how an account belongs to a repository, as GitHub shows it beside what it wrote."""
    if account == owner.owner:
        return "OWNER"
    return "COLLABORATOR" if account.login.lower() in owner.roles else "NONE"


def _via_app(site: Site, account: User) -> Json | None:
    return app(site) if account.id == site.app.bot_user_id else None


def _rollup(reactions: list[Reaction], url: str) -> Json:
    counts = dict[str, int].fromkeys(REACTIONS, 0)
    for reaction in reactions:
        counts[reaction.content] += 1
    return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}


def reaction(site: Site, found: Reaction) -> Json:
    """Describe a reaction."""
    return {
        "id": found.id,
        "node_id": node_id("REA", found.id),
        "user": user(site, found.user),
        "content": found.content,
        "created_at": stamp(found.created_at),
    }


def comment(site: Site, found: Comment) -> Json:
    """Describe a comment on an issue or a pull request."""
    owner = found.issue.repository
    url = f"{_api(site, owner)}/issues/comments/{found.id}"
    return {
        "id": found.id,
        "node_id": node_id("IC", found.id),
        "url": url,
        "html_url": f"{issue_url(site, found.issue)}#issuecomment-{found.id}",
        "issue_url": f"{_api(site, owner)}/issues/{found.issue.number}",
        "body": found.body,
        "user": user(site, found.user),
        "author_association": association(owner, found.user),
        "created_at": stamp(found.created_at),
        "updated_at": stamp(found.updated_at),
        "performed_via_github_app": _via_app(site, found.user),
        "reactions": _rollup(found.reactions, url),
    }


def label(site: Site, owner: Repository, found: Label) -> Json:
    """Describe a label."""
    return {
        "id": found.id,
        "node_id": node_id("LA", found.id),
        "url": f"{_api(site, owner)}/labels/{quote(found.name, safe='')}",
        "name": found.name,
        "color": "ededed",
        "default": False,
        "description": None,
        "archived_at": None,
        "archived_by": None,
    }


def issue(site: Site, found: Issue) -> Json:
    """Describe an issue, or a pull request as an issue."""
    url = f"{_api(site, found.repository)}/issues/{found.number}"
    described: Json = {
        "id": found.id,
        "node_id": node_id("I", found.id),
        "number": found.number,
        "url": url,
        "repository_url": _api(site, found.repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": issue_url(site, found),
        "title": found.title,
        "body": found.body,
        "user": user(site, found.user),
        "author_association": association(found.repository, found.user),
        "state": found.state,
        "state_reason": "completed" if found.state == "closed" else None,
        "labels": [label(site, found.repository, one) for one in found.labels],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": len(found.comments),
        "created_at": stamp(found.created_at),
        "updated_at": stamp(found.updated_at),
        "closed_at": stamp(found.closed_at),
        "closed_by": user(site, found.closed_by) if found.closed_by else None,
        "performed_via_github_app": _via_app(site, found.user),
        "reactions": _rollup(found.reactions, url),
    }
    if isinstance(found, PullRequest):
        described["draft"] = found.draft
        described["pull_request"] = {
            **_pull_urls(site, found),
            "merged_at": stamp(found.merged_at),
        }
    return described


def issue_in_webhook(site: Site, found: Issue) -> Json:
    """Describe an issue inside a webhook, where nobody says who closed it."""
    described = issue(site, found)
    del described["closed_by"]
    return described


def _pull_urls(site: Site, found: PullRequest) -> Json:
    page = issue_url(site, found)
    return {
        "url": f"{_api(site, found.repository)}/pulls/{found.number}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
    }


def _side(site: Site, owner: Repository, branch: str, sha: str) -> Json:
    return {
        "label": f"{owner.owner.login}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(site, owner.owner),
        "repo": None if owner.deleted else repository(site, owner),
    }


def pull(site: Site, found: PullRequest) -> Json:
    """Describe a pull request as it appears in a list."""
    urls = _pull_urls(site, found)
    api = _api(site, found.repository)
    links = {
        "comments_url": f"{api}/issues/{found.number}/comments",
        "commits_url": f"{urls['url']}/commits",
        "issue_url": f"{api}/issues/{found.number}",
        "review_comment_url": f"{api}/pulls/comments{{/number}}",
        "review_comments_url": f"{urls['url']}/comments",
        "statuses_url": f"{api}/statuses/{found.head_sha}",
    }
    named = {name.removesuffix("_url"): {"href": url} for name, url in links.items()}
    return {
        "id": found.pull_id,
        "node_id": node_id("PR", found.pull_id),
        "number": found.number,
        **urls,
        **links,
        "_links": {"self": {"href": urls["url"]}, "html": {"href": urls["html_url"]}, **named},
        "state": found.state,
        "locked": False,
        "active_lock_reason": None,
        "title": found.title,
        "body": found.body,
        "user": user(site, found.user),
        "author_association": association(found.repository, found.user),
        "labels": [label(site, found.repository, one) for one in found.labels],
        "milestone": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [user(site, reviewer) for reviewer in found.requested_reviewers],
        "requested_teams": [],
        "draft": found.draft,
        "auto_merge": None,
        "merge_commit_sha": found.merge_commit_sha,
        "head": _side(site, found.head_repository, found.head_branch, found.head_sha),
        "base": _side(site, found.repository, found.base_branch, found.base_sha),
        "created_at": stamp(found.created_at),
        "updated_at": stamp(found.updated_at),
        "closed_at": stamp(found.closed_at),
        "merged_at": stamp(found.merged_at),
    }


def full_pull(site: Site, found: PullRequest) -> Json:
    """Describe a pull request on its own, with what its commits change."""
    git = found.repository.git
    start = git.merge_base(found.base_sha, found.head_sha) or found.base_sha
    changes = git.changes(start, found.head_sha)
    is_open = found.state == "open"
    return {
        **pull(site, found),
        "merged": found.merged_at is not None,
        "merged_by": user(site, found.merged_by) if found.merged_by else None,
        "mergeable": True if is_open else None,
        "rebaseable": True if is_open else None,
        "mergeable_state": "clean" if is_open else "unknown",
        "maintainer_can_modify": found.maintainer_can_modify,
        "comments": len(found.comments),
        "review_comments": sum(len(review.comments) for review in found.reviews),
        "commits": git.count(start, found.head_sha),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
    }
