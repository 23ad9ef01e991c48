"""Accounts, the App and its installations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.shapes import Json, Site, node_id, stamp

if TYPE_CHECKING:
    from simulator.model import Installation, User

# The App is as old as GitHub Apps are; nothing depends on it.
APP_MADE = "2017-05-22T00:00:00Z"

ACCOUNT_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def user(site: Site, account: User) -> Json:
    """Describe an account as it appears inside other things."""
    url = f"{site.api}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{site.web}/avatars/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{site.web}/{account.login}",
        **{field: url + suffix for field, suffix in ACCOUNT_LINKS.items()},
        "type": account.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def profile(site: Site, account: User) -> Json:
    """Describe an account on its own, as `GET /users/{login}` does."""
    nothing = ("name", "company", "location", "email", "hireable", "bio", "twitter_username")
    return {
        **user(site, account),
        **dict.fromkeys(nothing),
        "blog": "",
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": APP_MADE,
        "updated_at": APP_MADE,
    }


def organization(site: Site, account: User) -> Json:
    """Describe an organization as it stands beside a repository in a webhook."""
    url = f"{site.api}/orgs/{account.login}"
    suffixes = {
        "repos_url": "/repos",
        "events_url": "/events",
        "hooks_url": "/hooks",
        "issues_url": "/issues",
        "members_url": "/members{/member}",
        "public_members_url": "/public_members{/member}",
    }
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O", account.id),
        "url": url,
        **{field: url + suffix for field, suffix in suffixes.items()},
        "avatar_url": f"{site.web}/avatars/{account.id}",
        "description": None,
    }


def app(site: Site) -> Json:
    """Describe the App, as `GET /app` and `performed_via_github_app` do."""
    identity = site.app
    return {
        "id": identity.app_id,
        "client_id": identity.client_id,
        "slug": identity.slug,
        "node_id": node_id("A", identity.app_id),
        "owner": user(site, site.app_owner),
        "name": identity.name,
        "description": None,
        "external_url": "https://example.com",
        "html_url": f"{site.web}/apps/{identity.slug}",
        "created_at": APP_MADE,
        "updated_at": APP_MADE,
        "permissions": dict(identity.permissions),
        "events": list(identity.events),
    }


def installation(site: Site, installed: Installation) -> Json:
    """Describe an installation."""
    suspended_by = installed.suspended_by
    return {
        "id": installed.id,
        "client_id": site.app.client_id,
        "account": user(site, installed.account),
        "repository_selection": "selected",
        "access_tokens_url": f"{site.api}/app/installations/{installed.id}/access_tokens",
        "repositories_url": f"{site.api}/installation/repositories",
        "html_url": f"{site.web}/settings/installations/{installed.id}",
        "app_id": site.app.app_id,
        "app_slug": site.app.slug,
        "target_id": installed.account.id,
        "target_type": installed.account.kind,
        "permissions": dict(installed.permissions),
        "events": list(site.app.events),
        "created_at": stamp(installed.created_at),
        "updated_at": stamp(installed.updated_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(site, suspended_by) if suspended_by else None,
        "suspended_at": stamp(installed.suspended_at),
    }


def installation_name(installed: Installation) -> Json:
    """Name an installation, as webhooks do."""
    return {"id": installed.id, "node_id": node_id("INSTALLATION", installed.id)}
