"""Reviews of pull requests and their comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.shapes import Json, Site, node_id, stamp
from simulator.shapes.accounts import user
from simulator.shapes.threads import association, issue_url, pull

if TYPE_CHECKING:
    from simulator.model import PullRequest, Review, ReviewComment

__all__ = ["pull", "review_comment", "review_in_webhook"]


def review_in_webhook(site: Site, found: Review) -> Json:
    """Describe a review as its webhook does, where states are in small letters."""
    page = f"{issue_url(site, found.pull)}#pullrequestreview-{found.id}"
    return {
        "id": found.id,
        "node_id": node_id("PRR", found.id),
        "user": user(site, found.user),
        "body": found.body,
        "commit_id": found.commit_id,
        "submitted_at": stamp(found.submitted_at),
        "state": found.state,
        "html_url": page,
        "pull_request_url": _url(site, found.pull),
        "author_association": association(found.pull.repository, found.user),
        "_links": {"html": {"href": page}, "pull_request": {"href": _url(site, found.pull)}},
    }


def review_comment(site: Site, found: ReviewComment) -> Json:
    """Describe a comment as the list of one review's does: without the line, which the hunk has."""
    owner = found.review.pull
    url = f"{_url(site, owner).rpartition('/')[0]}/comments/{found.id}"
    page = f"{issue_url(site, owner)}#discussion_r{found.id}"
    position = found.diff_hunk.count("\n")
    return {
        "id": found.id,
        "node_id": node_id("PRRC", found.id),
        "pull_request_review_id": found.review.id,
        "url": url,
        "html_url": page,
        "pull_request_url": _url(site, owner),
        "diff_hunk": found.diff_hunk,
        "path": found.path,
        "position": position,
        "original_position": position,
        "commit_id": found.review.commit_id,
        "original_commit_id": found.review.commit_id,
        "user": user(site, found.review.user),
        "body": found.body,
        "created_at": stamp(found.created_at),
        "updated_at": stamp(found.updated_at),
        "author_association": association(owner.repository, found.review.user),
        "_links": {
            "self": {"href": url},
            "html": {"href": page},
            "pull_request": {"href": _url(site, owner)},
        },
    }


def _url(site: Site, found: PullRequest) -> str:
    return f"{site.api}/repos/{found.repository.full_name}/pulls/{found.number}"
