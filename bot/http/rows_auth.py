"""The routes of sign-in and of sessions."""

from __future__ import annotations

from bot.http.key_bodies import Deleted
from bot.http.openapi_parts import Answer, Content, Route, path, query
from bot.http.operations import StartupCheck
from bot.http.rows_common import ASKED_BY_PEOPLE, STORAGE
from bot.http.session_bodies import SessionList

_SESSION = ("session",)
_TEXT = {"type": "string"}
_LOCATION = {"Location": "Where to go on."}
_COOKIE = {"Location": "Where to go on.", "Set-Cookie": "The cookie, for this host alone."}
_TRIES = {429: "Too many sign-ins from one address; `Retry-After` says when to try again."}
_SET_UP = {503: "The sign-in is not set up, GitHub does not answer, or the database fails."}
_SESSION_ID = path("session_id", "The session's id.", {"type": "string", "format": "uuid"})

ROUTES = (
    Route(
        "GET",
        "/api/auth/github",
        "signIn",
        "Sign-in",
        "Sign in with GitHub: a browser is sent there.",
        {303: Answer("On to GitHub; to a browser also on to the reason why not.", headers=_COOKIE)},
        {400: "`next` is no path of this Bellhop."} | _SET_UP,
        parameters=(
            query("next", "A path of this Bellhop to end at.", _TEXT),
            query("login", "Who is to sign in, if GitHub has several to choose from.", _TEXT),
        ),
    ),
    Route(
        "GET",
        "/api/auth/github/callback",
        "signedIn",
        "Sign-in",
        "The way back from GitHub. With it the session begins.",
        {303: Answer("On to where the sign-in was to end, or to why not.", headers=_COOKIE)},
        {
            400: "The sign-in did not begin in this browser, is over, or has been used.",
            403: "The person did not agree.",
        }
        | _TRIES
        | _SET_UP,
        parameters=(
            query("code", "GitHub's code, good once.", _TEXT),
            query("state", "What the sign-in began with.", _TEXT),
            query("error", "GitHub's word for why there is no code.", _TEXT),
        ),
    ),
    Route(
        "GET",
        "/api/auth/github/installed",
        "appInstalled",
        "Sign-in",
        "The way back from installing the App; signs in first where nobody is.",
        {303: Answer("On to the installations, or to the sign-in.", headers=_LOCATION)},
        {
            401: "Nobody is signed in.",
            404: "There is no such installation, or you may not see it.",
            429: "Too many requests; `Retry-After` says when to try again.",
        }
        | _SET_UP,
        parameters=(
            query("installation_id", "The installation; it may be forged.", _TEXT),
            query("setup_action", "What was done.", {"enum": ["install", "update", "request"]}),
        ),
    ),
    Route(
        "GET",
        "/api/auth/diagnostics",
        "checkSignIn",
        "Sign-in",
        "What is wrong with the set-up of sign-in, with remedies and without secrets.",
        {
            200: Answer("What was looked at.", Content(StartupCheck)),
            303: Answer(
                "To a browser: the same again, to see if it keeps cookies.", headers=_COOKIE
            ),
        },
        _TRIES,
        parameters=(query("probe", "What the cookie must hold, as `Set-Cookie` gave it.", _TEXT),),
    ),
    Route(
        "POST",
        "/api/auth/logout",
        "signOut",
        "Sign-in",
        "Sign out: the session ends, and with the last one GitHub's token.",
        {
            200: Answer("The session is over.", Content(Deleted)),
            303: Answer("To a browser: on to the page of sign-in.", headers=_COOKIE),
        },
        ASKED_BY_PEOPLE
        | STORAGE
        | {
            400: "The body is no form.",
            413: "The form is too large.",
        },
        security=_SESSION,
    ),
    Route(
        "GET",
        "/api/sessions",
        "listSessions",
        "Sign-in",
        "List the browsers in which you are signed in.",
        {200: Answer("The sessions.", Content(SessionList))},
        ASKED_BY_PEOPLE | STORAGE,
        security=_SESSION,
    ),
    Route(
        "DELETE",
        "/api/sessions/{session_id}",
        "endSession",
        "Sign-in",
        "End a session, at once.",
        {200: Answer("It opens nothing any more.", Content(Deleted))},
        ASKED_BY_PEOPLE | STORAGE | {400: "The id is none.", 404: "It is not there, or not yours."},
        parameters=(_SESSION_ID,),
        security=_SESSION,
    ),
)
