"""The routes of keys and webhook secrets."""

from __future__ import annotations

from bot.http.key_bodies import Deleted, KeyList, KeyMade, NewKey, SecretList, SecretMade
from bot.http.openapi_parts import Answer, Content, Route, path
from bot.http.rows_common import ASKED_BY_PEOPLE, BAD_BODY, PEOPLE, STORAGE

_SESSION = ("session",)
_ID = {"type": "string", "format": "uuid"}
_KEY_ID = path("key_id", "The key's id.", _ID)
_SECRET_ID = path("secret_id", "The secret's id.", _ID)
_ONE = ASKED_BY_PEOPLE | STORAGE | {400: "The id is none.", 404: "It is not there, or not yours."}

ROUTES = (
    Route(
        "GET",
        "/api/keys",
        "listKeys",
        "Keys",
        "List your API keys.",
        {200: Answer("The keys, without what opens anything.", Content(KeyList))},
        ASKED_BY_PEOPLE | STORAGE,
        security=_SESSION,
    ),
    Route(
        "POST",
        "/api/keys",
        "makeKey",
        "Keys",
        "Make an API key; it is shown once.",
        {201: Answer("The key.", Content(KeyMade))},
        ASKED_BY_PEOPLE | BAD_BODY | STORAGE | {409: "There are 100 already: end one first."},
        Content(NewKey),
        security=_SESSION,
    ),
    Route(
        "DELETE",
        "/api/keys/{key_id}",
        "endKey",
        "Keys",
        "End an API key, at once.",
        {200: Answer("It opens nothing any more.", Content(Deleted))},
        _ONE,
        parameters=(_KEY_ID,),
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/webhook-secrets",
        "listWebhookSecrets",
        "Keys",
        "List the secrets that your outbound webhooks are signed with.",
        {200: Answer("The secrets, without their text.", Content(SecretList))},
        ASKED_BY_PEOPLE | STORAGE,
        security=PEOPLE,
    ),
    Route(
        "POST",
        "/api/webhook-secrets",
        "makeWebhookSecret",
        "Keys",
        "Make a secret; it is shown once. Two sign while you change from one to the other.",
        {201: Answer("The secret.", Content(SecretMade))},
        ASKED_BY_PEOPLE | STORAGE | {409: "There are two already: delete one first."},
        security=PEOPLE,
    ),
    Route(
        "DELETE",
        "/api/webhook-secrets/{secret_id}",
        "endWebhookSecret",
        "Keys",
        "End a secret: nothing is signed with it any more.",
        {200: Answer("It is gone.", Content(Deleted))},
        _ONE,
        parameters=(_SECRET_ID,),
        security=PEOPLE,
    ),
)
