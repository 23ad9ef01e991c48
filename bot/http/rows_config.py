"""The routes of defaults, keys of providers and Fly."""

from __future__ import annotations

from bot.http.config_bodies import (
    CheckedBody,
    ConfigBody,
    ConfigShown,
    Configured,
    Credentials,
    CredentialsShown,
    FlyBody,
    FlyShown,
    OneSecret,
    ProviderList,
    SecretToCheck,
)
from bot.http.openapi_parts import Answer, Content, Route, header, path, query
from bot.http.rows_common import ASKED_BY_PEOPLE, BAD_BODY
from bot.providers import PROVIDERS

_TAG = "Config"
_SESSION = ("session",)
_SCOPE = query(
    "scope",
    "Whose: `user` (if left out), or `installation:` and its number.",
    {"type": "string", "pattern": "^(user|installation:[1-9][0-9]{0,18})$"},
)
_TAGGED = {"ETag": "Of the defaults alone: for `If-Match`."}
_IF_MATCH = header(
    "If-Match",
    "The `ETag` of what you have seen: 412 if the defaults are others by now.",
    {"type": "string"},
)
_PROVIDER = query(
    "provider", "The provider's name.", {"type": "string", "enum": list(PROVIDERS)}, required=True
)
_WHOM = path(
    "provider",
    "The provider's name, or `fly`.",
    {"type": "string", "enum": [*PROVIDERS, "fly"]},
)
_READ = ASKED_BY_PEOPLE | {
    400: "The scope is none.",
    401: "Nobody has signed in, or GitHub takes their sign-in no more: sign in again.",
    403: "A key may not do this, or GitHub does not tell who administers the organisation.",
    404: "The installation is not there, or not yours.",
    503: "GitHub does not say whose the installation is, or the database fails. `Retry-After` "
    "says when to try again.",
}
_WRITE = (
    _READ
    | BAD_BODY
    | {
        400: "The scope is none, or the body is no JSON document.",
    }
)

ROUTES = (
    Route(
        "GET",
        "/api/config",
        "getConfig",
        _TAG,
        "Everything that is set for you or for an installation.",
        {200: Answer("What is set, without what opens anything.", Content(ConfigShown), _TAGGED)},
        _READ,
        parameters=(_SCOPE,),
        security=_SESSION,
    ),
    Route(
        "PUT",
        "/api/config",
        "putConfig",
        _TAG,
        "Replace the defaults of attempts.",
        {200: Answer("What is set now.", Content(ConfigShown), _TAGGED)},
        _WRITE | {412: "Somebody has changed them since; nothing is changed."},
        Content(ConfigBody),
        parameters=(_SCOPE, _IF_MATCH),
        security=_SESSION,
    ),
    Route(
        "PUT",
        "/api/config/credentials",
        "putCredentials",
        _TAG,
        "Store or remove keys of several providers, all or none.",
        {200: Answer("What may be told of all keys.", Content(CredentialsShown))},
        _WRITE,
        Content(Credentials),
        parameters=(_SCOPE,),
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/config/provider-credentials",
        "getProviderCredentials",
        _TAG,
        "What may be told of the key of one provider.",
        {200: Answer("It, without the key.", Content(Configured))},
        _READ | {422: "There is no such provider."},
        parameters=(_SCOPE, _PROVIDER),
        security=_SESSION,
    ),
    Route(
        "PUT",
        "/api/config/provider-credentials",
        "putProviderCredentials",
        _TAG,
        "Store or remove the key of one provider.",
        {200: Answer("What may be told of it now.", Content(Configured))},
        _WRITE,
        Content(OneSecret),
        parameters=(_SCOPE,),
        security=_SESSION,
    ),
    Route(
        "PUT",
        "/api/config/fly",
        "putFly",
        _TAG,
        "Replace where workers on Fly run, and the token.",
        {200: Answer("What may be told of it now.", Content(FlyShown))},
        _WRITE,
        Content(FlyBody),
        parameters=(_SCOPE,),
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/config/providers",
        "listProviders",
        _TAG,
        "List the providers whose keys Bellhop passes on.",
        {200: Answer("The providers.", Content(ProviderList))},
        {one: ASKED_BY_PEOPLE[one] for one in (401, 403, 429)}
        | {503: "The database cannot be read."},
        security=_SESSION,
    ),
    Route(
        "POST",
        "/api/config/validate/{provider}",
        "validateCredential",
        _TAG,
        "Ask a provider whether it takes a key: a given one, or the stored one.",
        {200: Answer("What it says.", Content(CheckedBody))},
        _WRITE
        | {
            404: "The installation is not there, or not yours; or there is no such provider.",
            409: "No key is stored, or it cannot be read any more.",
        },
        Content(SecretToCheck, optional=True),
        parameters=(_WHOM, _SCOPE),
        security=_SESSION,
    ),
)
