"""What the page of an error says: what happened in a few words, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from bot.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one kind of error; `again` where it helps to load the page once more."""

    heading: str
    next: str
    again: bool = False


_WORDS = {
    400: Words(
        "This address cannot be read", "Check its spelling, or start again from your tasks."
    ),
    403: Words(
        "This is not for you",
        "Somebody who may do it can: ask them, or sign in as somebody else.",
    ),
    404: Words(
        "There is nothing here",
        "It may have been removed, or it belongs to somebody else. Your own tasks are one step "
        "away.",
    ),
    405: Words(
        "This address only takes a form",
        "The form is on another page: go back, or start again from your tasks.",
    ),
    429: Words("That was a little fast", "Wait a moment, then load the page again.", again=True),
    500: Words(
        "Something broke on our side",
        "Nothing you did is lost. Load the page again; if it stays like this, tell your operator.",
        again=True,
    ),
    503: Words(
        "Not at the moment",
        "This passes by itself. Nothing was changed; load the page again in a moment.",
        again=True,
    ),
}
_OTHER = Words("That did not work", "Go back, look at what you sent, and try once more.")
_EXPIRED = Words("This page is too old", "Go back, load the page again, and send the form anew.")


def words_for(problem: Problem) -> Words:
    """The words of a problem."""
    if problem.code == "form_expired":
        return _EXPIRED
    return _WORDS.get(problem.status, _OTHER)
