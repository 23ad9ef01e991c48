"""What a person sees through their own token, and what the App does with such tokens."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from simulator.rest.call import ApiError, Call, forbidden, invalid, not_found, nothing, reply
from simulator.rest.serve import Route
from simulator.shapes import accounts, people
from simulator.shapes import repositories as shape

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.model import Installation, Repository, User
    from simulator.people import UserToken


def as_person(call: Call) -> User:
    """Let nobody in but people with their own tokens."""
    if call.actor.person is None:
        if call.actor.kind == "anonymous":
            raise ApiError(401, "Requires authentication")
        raise forbidden()
    return call.actor.person.user


def get_me(call: Call) -> web.Response:
    """`GET /user`."""
    return reply(accounts.profile(call.site, as_person(call)))


def list_installations(call: Call) -> web.Response:
    """`GET /user/installations`: where the person has been given something."""
    person = as_person(call)
    found = [one for one in call.world.installations.values() if _sees(call, person, one)]
    part, headers = call.cut(found)
    described = [accounts.installation(call.site, one) for one in part]
    return reply({"total_count": len(found), "installations": described}, headers=headers)


def list_repositories(call: Call) -> web.Response:
    """`GET /user/installations/{installation_id}/repositories`."""
    person = as_person(call)
    installation = call.world.installations.get(call.number("installation_id"))
    if installation is None or not _sees(call, person, installation):
        raise not_found()
    found = [one for one in installation.repositories if call.world.may_see(person, one)]
    part, headers = call.cut(found)
    described = [
        shape.repository_of(call.site, one, call.world.role_of(person, one)) for one in part
    ]
    body = {"total_count": len(found), "repository_selection": "selected"}
    return reply({**body, "repositories": described}, headers=headers)


def list_organizations(call: Call) -> web.Response:
    """`GET /user/orgs`: those of the person's organizations where the App is installed."""
    person = as_person(call)
    found = [one for one in call.world.organizations_of(person) if _installed_on(call, one)]
    return call.page(found, lambda one: accounts.organization(call.site, one))


def get_membership(call: Call) -> web.Response:
    """`GET /user/memberships/orgs/{org}`, where the owner has granted `members: read`."""
    person = as_person(call)
    organization = call.world.users.get(call.part("org").lower())
    installation = _installed_on(call, organization) if organization else None
    if organization is None or installation is None:
        raise not_found()
    if "members" not in installation.permissions:
        raise forbidden()
    role = call.world.membership(organization, person)
    if role is None:
        raise not_found()
    return reply(people.membership(call.site, organization, person, role))


def _sees(call: Call, person: User, installation: Installation) -> bool:
    """Tell whether a person has been given anything there, beyond what everybody has."""
    if installation.deleted:
        return False
    if person == installation.account:
        return True
    return any(_given(call, person, one) for one in installation.repositories)


def _given(call: Call, person: User, repository: Repository) -> bool:
    granted = repository.roles.get(person.login.lower())
    admin = call.world.membership(repository.owner, person) == "admin"
    return admin or (granted is not None and granted.includes("read"))


def _installed_on(call: Call, account: User) -> Installation | None:
    for one in call.world.installations.values():
        if one.account == account and not one.deleted:
            return one
    return None


def _own_token(call: Call) -> UserToken:
    """Return the token that the App asks about, of its own people alone."""
    if call.actor.kind != "client" or call.part("client_id") != call.world.app.client_id:
        raise not_found() if call.actor.kind == "client" else ApiError(401, "Bad credentials")
    value = call.body.get("access_token")
    if not isinstance(value, str) or not value:
        raise ApiError(422, 'Invalid request.\n\n"access_token" wasn\'t supplied.')
    found = call.tokens.people.find(value)
    if found is None:
        raise not_found() if call.request.method == "POST" else _no_token()
    return found


def _no_token() -> ApiError:
    return invalid("OauthAccess", "access_token", "invalid")


def check_token(call: Call) -> web.Response:
    """`POST /applications/{client_id}/token`."""
    found = _own_token(call)
    digest = hashlib.sha256(found.access.encode()).hexdigest()
    return reply(people.authorization(call.site, found, digest))


def delete_token(call: Call) -> web.Response:
    """`DELETE /applications/{client_id}/token`."""
    _own_token(call).dead = True
    return nothing()


def delete_grant(call: Call) -> web.Response:
    """`DELETE /applications/{client_id}/grant`: every token of that person."""
    call.tokens.people.revoke_all(_own_token(call).user)
    return nothing()


ROUTES = (
    Route("GET", "/user", get_me),
    Route("GET", "/user/installations", list_installations),
    Route("GET", r"/user/installations/{installation_id:\d+}/repositories", list_repositories),
    Route("GET", "/user/orgs", list_organizations),
    Route("GET", "/user/memberships/orgs/{org}", get_membership),
    Route("POST", "/applications/{client_id}/token", check_token),
    Route("DELETE", "/applications/{client_id}/token", delete_token),
    Route("DELETE", "/applications/{client_id}/grant", delete_grant),
)
