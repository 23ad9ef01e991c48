"""What GitHub says of people's own tokens and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.shapes import Json, Site, accounts, stamp

if TYPE_CHECKING:
    from simulator.model import User
    from simulator.people import UserToken


def membership(site: Site, organization: User, person: User, role: str) -> Json:
    """Describe somebody's place in an organization."""
    url = f"{site.api}/orgs/{organization.login}"
    return {
        "url": f"{url}/memberships/{person.login}",
        "state": "active",
        "role": role,
        "organization_url": url,
        "organization": accounts.organization(site, organization),
        "user": accounts.user(site, person),
    }


def authorization(site: Site, token: UserToken, digest: str) -> Json:
    """Describe a person's token to the App that it was given to."""
    app = site.app
    made = stamp(token.made_at)
    return {
        "id": app.app_id,
        "url": f"{site.api}/authorizations/{app.app_id}",
        "scopes": [],
        "token": token.access,
        "token_last_eight": token.access[-8:],
        "hashed_token": digest,
        "app": {"client_id": app.client_id, "name": app.name, "url": "https://example.com"},
        "note": None,
        "note_url": None,
        "updated_at": made,
        "created_at": made,
        "fingerprint": None,
        "user": accounts.user(site, token.user),
        "expires_at": stamp(token.expires_at),
    }
