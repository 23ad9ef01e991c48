"""API keys and sessions: rows <-> values. What opens something is known by its SHA-256 alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from handlers.values import Person
from storage.times import from_text, maybe_text, to_text

MOST_KEYS = 100
"""Keys that one person may have."""
USED_EVERY = timedelta(minutes=1)
"""How often the last use of a key, or the last sight of a session, is written down."""
MOST_SESSIONS = 50
"""Sessions of one person: nobody has more browsers, and each sign-in adds one."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without what opens anything."""

    id: str
    owner: Person
    name: str
    prefix: str
    """The first characters, by which its owner knows it again."""
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Session:
    """A person who has signed in with a browser."""

    id: str
    person: Person
    agent: str
    """What the browser calls itself."""
    created_at: datetime
    expires_at: datetime
    seen_at: datetime


_KEY = "id, owner_id, owner_login, name, prefix, scopes, created_at, expires_at, used_at"
_SESSION = "id, person_id, login, agent, created_at, expires_at, seen_at"


def keep_key(db: Database, key: ApiKey, digest: bytes) -> bool:
    """Remember a new key; False where the owner has as many as there may be, ended ones too."""
    kept = db.conn.execute(
        f"INSERT INTO keys ({_KEY}, digest) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 "  # noqa: S608 - our own words
        "WHERE (SELECT count(*) FROM keys WHERE owner_id = ?2) < ?11",
        (
            *(key.id, key.owner.id, key.owner.login, key.name, key.prefix),
            *(" ".join(sorted(key.scopes)), to_text(key.created_at)),
            *(maybe_text(key.expires_at), maybe_text(key.used_at), digest, MOST_KEYS),
        ),
    ).rowcount
    return bool(kept)


def key_of(db: Database, digest: bytes) -> ApiKey | None:
    """The key of a digest, expired or not."""
    row = db.conn.execute(
        f"SELECT {_KEY} FROM keys WHERE digest = ?",  # noqa: S608 - our own words
        (digest,),
    ).fetchone()
    return None if row is None else _key(row)


def key_named(db: Database, key_id: str) -> ApiKey | None:
    """The key of an id, expired or not."""
    row = db.conn.execute(
        f"SELECT {_KEY} FROM keys WHERE id = ?",  # noqa: S608 - our own words
        (key_id,),
    ).fetchone()
    return None if row is None else _key(row)


def keys_of(db: Database, owner_id: int | None) -> tuple[ApiKey, ...]:
    """The keys of a person, or all, newest first."""
    rows = db.conn.execute(
        f"SELECT {_KEY} FROM keys WHERE :owner IS NULL OR owner_id = :owner ORDER BY id DESC",  # noqa: S608 - our own words
        {"owner": owner_id},
    )
    return tuple(_key(row) for row in rows)


def login_of(db: Database, person_id: int) -> str | None:
    """The login by which somebody last made a key or signed in, of what is still there."""
    row = db.conn.execute(
        "SELECT login FROM (SELECT owner_login AS login, created_at FROM keys WHERE owner_id = ?1 "
        "UNION ALL SELECT login, created_at FROM sessions WHERE person_id = ?1) "
        "ORDER BY created_at DESC LIMIT 1",
        (person_id,),
    ).fetchone()
    return None if row is None else str(row[0])


def drop_key(db: Database, key_id: str, owner_id: int | None) -> bool:
    """Forget a key of a person's, or of anybody's; False where there is none."""
    return bool(
        db.conn.execute(
            "DELETE FROM keys WHERE id = :id AND (:owner IS NULL OR owner_id = :owner)",
            {"id": key_id, "owner": owner_id},
        ).rowcount
    )


def touch_key(db: Database, key_id: str, now: datetime) -> None:
    """A key was used."""
    db.conn.execute("UPDATE keys SET used_at = ? WHERE id = ?", (to_text(now), key_id))


def keep_session(db: Database, session: Session, digest: bytes) -> None:
    """Remember a new session; beyond `MOST_SESSIONS` a person's oldest ones end.

    What else they have bears the login that they come with from now on: GitHub is asked about them
    by it, and the former one may be somebody else's by now.
    """
    db.conn.execute(
        f"INSERT INTO sessions ({_SESSION}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own words
        (
            *(session.id, session.person.id, session.person.login, session.agent),
            *(to_text(session.created_at), to_text(session.expires_at), to_text(session.seen_at)),
            digest,
        ),
    )
    db.conn.execute(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE person_id = ? "
        "ORDER BY id DESC LIMIT -1 OFFSET ?)",
        (session.person.id, MOST_SESSIONS),
    )
    who = {"id": session.person.id, "login": session.person.login}
    for statement in (
        "UPDATE sessions SET login = :login WHERE person_id = :id AND login <> :login",
        "UPDATE keys SET owner_login = :login WHERE owner_id = :id AND owner_login <> :login",
    ):
        db.conn.execute(statement, who)


def session_of(db: Database, digest: bytes, now: datetime) -> Session | None:
    """The session of a digest, unless it has expired."""
    row = db.conn.execute(
        f"SELECT {_SESSION} FROM sessions WHERE digest = ? AND expires_at > ?",  # noqa: S608 - our own words
        (digest, to_text(now)),
    ).fetchone()
    return None if row is None else _session(row)


def session_named(db: Database, session_id: str, now: datetime) -> Session | None:
    """The session of an id, unless it has expired."""
    row = db.conn.execute(
        f"SELECT {_SESSION} FROM sessions WHERE id = ? AND expires_at > ?",  # noqa: S608 - our own words
        (session_id, to_text(now)),
    ).fetchone()
    return None if row is None else _session(row)


def touch_session(db: Database, session_id: str, now: datetime) -> None:
    """A session was seen."""
    db.conn.execute("UPDATE sessions SET seen_at = ? WHERE id = ?", (to_text(now), session_id))


def sessions_of(db: Database, person_id: int, now: datetime) -> tuple[Session, ...]:
    """The sessions of a person that have not expired, newest first."""
    rows = db.conn.execute(
        f"SELECT {_SESSION} FROM sessions WHERE person_id = ? AND expires_at > ? ORDER BY id DESC",  # noqa: S608 - our own words
        (person_id, to_text(now)),
    )
    return tuple(_session(row) for row in rows)


def drop_session(db: Database, session_id: str, person_id: int | None) -> bool:
    """End a session of a person's, or of anybody's; False where there is none."""
    return bool(
        db.conn.execute(
            "DELETE FROM sessions WHERE id = :id AND (:person IS NULL OR person_id = :person)",
            {"id": session_id, "person": person_id},
        ).rowcount
    )


def drop_sessions_of(db: Database, person_id: int) -> None:
    """End every session of a person."""
    db.conn.execute("DELETE FROM sessions WHERE person_id = ?", (person_id,))


def forget_sessions(db: Database, now: datetime) -> None:
    """Remove the sessions that have expired."""
    db.conn.execute("DELETE FROM sessions WHERE expires_at <= ?", (to_text(now),))


def _key(row: Sequence[object]) -> ApiKey:
    number, owner, login, name, prefix, scopes, created, expires, used = row
    return ApiKey(
        str(number),
        Person(int(str(owner)), str(login)),
        str(name),
        str(prefix),
        frozenset(str(scopes).split()),
        from_text(str(created)),
        None if expires is None else from_text(str(expires)),
        None if used is None else from_text(str(used)),
    )


def _session(row: Sequence[object]) -> Session:
    number, person, login, agent, created, expires, seen = row
    return Session(
        str(number),
        Person(int(str(person)), str(login)),
        str(agent),
        from_text(str(created)),
        from_text(str(expires)),
        from_text(str(seen)),
    )
