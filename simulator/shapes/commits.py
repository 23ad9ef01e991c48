"""Commits, refs, branches and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from simulator.shapes import Json, Site, node_id

if TYPE_CHECKING:
    from simulator.history import Change, Commit
    from simulator.model import Repository


def _api(site: Site, repository: Repository) -> str:
    return f"{site.api}/repos/{repository.full_name}"


def _page(site: Site, repository: Repository) -> str:
    return f"{site.web}/{repository.full_name}"


def commit(site: Site, repository: Repository, found: Commit) -> Json:
    """Describe a commit; git's names belong to no account here."""
    api, page = _api(site, repository), _page(site, repository)
    url = f"{api}/commits/{found.sha}"
    return {
        "sha": found.sha,
        "node_id": node_id("C", found.sha),
        "url": url,
        "html_url": f"{page}/commit/{found.sha}",
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{api}/git/commits/{found.sha}",
            "message": found.message,
            "author": {
                "name": found.author_name,
                "email": found.author_email,
                "date": found.author_date,
            },
            "committer": {
                "name": found.committer_name,
                "email": found.committer_email,
                "date": found.committer_date,
            },
            "tree": {"sha": found.tree, "url": f"{api}/git/trees/{found.tree}"},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "author": None,
        "committer": None,
        "parents": [
            {
                "sha": parent,
                "url": f"{api}/commits/{parent}",
                "html_url": f"{page}/commit/{parent}",
            }
            for parent in found.parents
        ],
    }


def ref(site: Site, repository: Repository, name: str, sha: str) -> Json:
    """Describe a ref by its full name."""
    api = _api(site, repository)
    return {
        "ref": name,
        "node_id": node_id("REF", f"{repository.id}:{name}"),
        "url": f"{api}/git/{quote(name)}",
        "object": {"type": "commit", "sha": sha, "url": f"{api}/git/commits/{sha}"},
    }


def branch(site: Site, repository: Repository, name: str, tip: Commit) -> Json:
    """Describe a branch with its protection."""
    protected = name in repository.protected
    url = f"{_api(site, repository)}/branches/{quote(name, safe='')}"
    checks: Json = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": name,
        "commit": commit(site, repository, tip),
        "_links": {"self": url, "html": f"{_page(site, repository)}/tree/{quote(name)}"},
        "protected": protected,
        "protection": {"enabled": protected, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


def _file(site: Site, repository: Repository, sha: str, change: Change) -> Json:
    path = quote(change.path)
    page = _page(site, repository)
    return {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{page}/blob/{sha}/{path}",
        "raw_url": f"{page}/raw/{sha}/{path}",
        "contents_url": f"{_api(site, repository)}/contents/{path}?ref={sha}",
    }


def comparison(site: Site, repository: Repository, base: str, head: str, merge_base: str) -> Json:
    """Describe how one commit differs from another, all three given by SHA."""
    git = repository.git
    ahead, behind = git.count(base, head), git.count(head, base)
    words = {
        (False, False): "identical",
        (True, False): "ahead",
        (False, True): "behind",
        (True, True): "diverged",
    }
    page = f"{_page(site, repository)}/compare/{base}...{head}"
    commits = git.commits(f"{base}..{head}")
    return {
        "url": f"{_api(site, repository)}/compare/{base}...{head}",
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": commit(site, repository, git.commits(base, 1)[0]),
        "merge_base_commit": commit(site, repository, git.commits(merge_base, 1)[0]),
        "status": words[ahead > 0, behind > 0],
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [commit(site, repository, one) for one in reversed(commits)],
        "files": [_file(site, repository, head, one) for one in git.changes(merge_base, head)],
    }
