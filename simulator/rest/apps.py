"""The App itself: who it is, where it is installed, its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from simulator.rest.call import ApiError, Call, not_found, nothing, reply
from simulator.rest.serve import Route, find_repository
from simulator.shapes import accounts, stamp
from simulator.shapes import repositories as shape

if TYPE_CHECKING:
    from aiohttp import web

    from simulator.model import Installation, Repository, Token


def as_app(call: Call) -> None:
    """Let nobody in but the App with its JWT."""
    if call.actor.kind != "app":
        raise ApiError(401, "A JSON web token could not be decoded")


def get_app(call: Call) -> web.Response:
    """`GET /app`."""
    as_app(call)
    living = [one for one in call.world.installations.values() if not one.deleted]
    return reply({**accounts.app(call.site), "installations_count": len(living)})


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.deleted:
        raise not_found()
    return found


def list_installations(call: Call) -> web.Response:
    """`GET /app/installations`."""
    as_app(call)
    living = [one for one in call.world.installations.values() if not one.deleted]
    return call.page(living, lambda one: accounts.installation(call.site, one))


def get_installation(call: Call) -> web.Response:
    """`GET /app/installations/{installation_id}`."""
    as_app(call)
    return reply(accounts.installation(call.site, _installation(call)))


def get_repository_installation(call: Call) -> web.Response:
    """`GET /repos/{owner}/{repo}/installation`."""
    as_app(call)
    repository = find_repository(call)
    found = call.world.installation_of(repository)
    if found is None:
        raise not_found()
    return reply(accounts.installation(call.site, found))


def create_token(call: Call) -> web.Response:
    """`POST /app/installations/{installation_id}/access_tokens`, narrowed as the body says."""
    as_app(call)
    installation = _installation(call)
    if installation.suspended_at:
        raise ApiError(403, "This installation has been suspended")
    repositories = _narrowed_repositories(call, installation)
    permissions = _narrowed_permissions(call, installation)
    token = call.tokens.mint(installation, repositories, permissions)
    return reply(_token(call, token), 201)


def _narrowed_repositories(call: Call, installation: Installation) -> tuple[Repository, ...] | None:
    names, numbers = call.body.get("repositories"), call.body.get("repository_ids")
    if names is None and numbers is None:
        return None
    by_name = {one.name.lower(): one for one in installation.repositories}
    by_number = {one.id: one for one in installation.repositories}
    found = [by_name.get(str(name).lower()) for name in _list(names)]
    found += [by_number.get(number) for number in _list(numbers)]
    if None in found:
        raise ApiError(
            422,
            "There is at least one repository that does not exist or is not accessible to the"
            " parent installation.",
        )
    return tuple(dict.fromkeys(one for one in found if one))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ApiError(422, "Invalid request.\n\nA list of repositories is not an array.")
    return cast("list[Any]", value)


def _narrowed_permissions(call: Call, installation: Installation) -> dict[str, str]:
    asked = call.body.get("permissions")
    if asked is None:
        return {**installation.permissions, "metadata": "read"}
    order = ["read", "write", "admin"]
    for name, level in cast("dict[str, str]", asked).items():
        given = installation.permissions.get(name, "read" if name == "metadata" else None)
        if level not in order:
            raise ApiError(
                422,
                f"Invalid request.\n\n{level} is not a possible value. Must be one of: {order}.",
            )
        if given is None or order.index(level) > order.index(given):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    return {**asked, "metadata": "read"}


def _token(call: Call, token: Token) -> dict[str, Any]:
    described: dict[str, Any] = {
        "token": token.value,
        "expires_at": stamp(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": "selected",
    }
    if token.repositories is not None:
        described["repositories"] = [shape.repository(call.site, one) for one in token.repositories]
    return described


def revoke_token(call: Call) -> web.Response:
    """`DELETE /installation/token`."""
    call.token.revoked = True
    return nothing()


def list_repositories(call: Call) -> web.Response:
    """`GET /installation/repositories`."""
    reach = call.token.reach()
    part, headers = call.cut(reach)
    described = [shape.repository(call.site, one) for one in part]
    body = {
        "total_count": len(reach),
        "repository_selection": "selected",
        "repositories": described,
    }
    return reply(body, headers=headers)


ROUTES = (
    Route("GET", "/app", get_app),
    Route("GET", "/app/installations", list_installations),
    Route("GET", r"/app/installations/{installation_id:\d+}", get_installation),
    Route("POST", r"/app/installations/{installation_id:\d+}/access_tokens", create_token),
    Route("GET", "/repos/{owner}/{repo}/installation", get_repository_installation),
    Route("GET", r"/repositories/{repository_id:\d+}/installation", get_repository_installation),
    Route("DELETE", "/installation/token", revoke_token),
    Route("GET", "/installation/repositories", list_repositories),
)
