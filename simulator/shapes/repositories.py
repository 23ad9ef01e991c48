"""Repositories and what people may do in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.shapes import Json, Site, node_id, stamp
from simulator.shapes.accounts import user

if TYPE_CHECKING:
    from simulator.model import Repository, Role, User

LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}

# What a permission answer calls the five built-in roles in its booleans, weakest first.
BOOLEANS = {
    "pull": "read",
    "triage": "triage",
    "push": "write",
    "maintain": "maintain",
    "admin": "admin",
}

# `permission` knows only the four old levels; `role_name` has the real one.
OLD_LEVELS = {"maintain": "write", "triage": "read"}


def _links(site: Site, repository: Repository) -> Json:
    url = f"{site.api}/repos/{repository.full_name}"
    page = f"{site.web}/{repository.full_name}"
    host = site.web.partition("://")[2]
    return {
        "url": url,
        "html_url": page,
        **{field: url + suffix for field, suffix in LINKS.items()},
        "clone_url": f"{page}.git",
        "git_url": f"git://{host}/{repository.full_name}.git",
        "ssh_url": f"git@{host}:{repository.full_name}.git",
        "svn_url": page,
        "mirror_url": None,
    }


def repository(site: Site, found: Repository) -> Json:
    """Describe a repository as it appears in lists, pull requests and webhooks."""
    threads = [issue for issue in found.threads.values() if issue.state == "open"]
    made = stamp(found.created_at)
    return {
        "id": found.id,
        "node_id": node_id("R", found.id),
        "name": found.name,
        "full_name": found.full_name,
        "owner": user(site, found.owner),
        "private": found.private,
        "description": found.description,
        "fork": found.parent is not None,
        **_links(site, found),
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        "forks": 0,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "size": 0,
        "default_branch": found.default_branch,
        "open_issues": len(threads),
        "open_issues_count": len(threads),
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "is_template": False,
        "archived": found.archived,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "visibility": "private" if found.private else "public",
        "pushed_at": made,
        "created_at": made,
        "updated_at": made,
    }


def repository_of(site: Site, found: Repository, role: Role) -> Json:
    """Describe a repository to somebody with a role in it."""
    allowed = {name: role.includes(least) for name, least in BOOLEANS.items()}
    return {**repository(site, found), "permissions": allowed, "role_name": role.name}


def full_repository(site: Site, found: Repository) -> Json:
    """Describe a repository on its own, as `GET /repos/{owner}/{repo}` does."""
    parent = found.parent
    relations = (
        {"parent": repository(site, parent), "source": repository(site, parent)} if parent else {}
    )
    owner = {"organization": user(site, found.owner)} if found.owner.kind == "Organization" else {}
    return {
        **repository(site, found),
        **relations,
        **owner,
        "network_count": 0,
        "subscribers_count": 0,
        "temp_clone_token": None,
    }


def repository_name(found: Repository) -> Json:
    """Name a repository, as the installation webhooks do."""
    return {
        "id": found.id,
        "node_id": node_id("R", found.id),
        "name": found.name,
        "full_name": found.full_name,
        "private": found.private,
    }


def permission(site: Site, account: User, role: Role) -> Json:
    """Describe what an account may do, as `GET …/collaborators/{user}/permission` does."""
    allowed = {name: role.includes(least) for name, least in BOOLEANS.items()}
    return {
        "permission": OLD_LEVELS.get(role.base, role.base),
        "role_name": role.name,
        "user": {**user(site, account), "permissions": allowed, "role_name": role.name},
    }
