"""The App that the set-up page made: sealed for the database, and joined to the settings."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from pydantic import BaseModel, ConfigDict, SecretStr

from bot.github.making import NewApp
from bot.secret_key import NAME, is_set, is_waiting, secret_key
from bot.settings import Settings
from bot.vault import Vault, WrongKey
from storage import app_rows
from storage.app_rows import SealedApp
from storage.sqlite import StorageFailed


class _Secrets(BaseModel):
    """What is sealed, as JSON."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    client_secret: str
    webhook_secret: str
    private_key: str


def seal(vault: Vault, app: NewApp, public_url: str, now: datetime) -> SealedApp:
    """The App as the database keeps it."""
    secrets = _Secrets(
        client_secret=app.client_secret.get_secret_value(),
        webhook_secret=app.webhook_secret.get_secret_value(),
        private_key=app.private_key.get_secret_value(),
    )
    sealed = vault.seal(secrets.model_dump_json())
    return SealedApp(app.app_id, app.slug, app.client_id, public_url, now, sealed)


def with_stored(settings: Settings) -> Settings:
    """The settings, and where they say nothing, those of the App that the set-up page made.

    Nothing is made or changed. A database without an App, or with another one than the settings
    name, adds nothing.

    Raises:
        StorageFailed: the database cannot be read.
        WrongKey: the App was sealed with another key than the one that is set, or there is none.
        OSError: the key's file cannot be read.
    """
    try:
        app = app_rows.look(settings.data / settings.database)
    except (sqlite3.Error, OSError) as error:
        raise StorageFailed(f"The database cannot be read: {error}.") from error
    if app is None or _is_another(settings, app):
        return settings
    return settings.model_copy(update=_missing(settings, app))


def _is_another(settings: Settings, app: SealedApp) -> bool:
    return settings.app_id not in {None, app.app_id} or settings.client_id not in {
        "",
        app.client_id,
    }


def _missing(settings: Settings, app: SealedApp) -> dict[str, object]:
    secrets = _Secrets.model_validate_json(Vault(_key(settings)).unseal(app.secrets))
    found: dict[str, object] = {
        "app_id": app.app_id,
        "client_id": app.client_id,
        "client_secret": SecretStr(secrets.client_secret),
        "webhook_secret": SecretStr(secrets.webhook_secret),
        "base_url": app.public_url,
    }
    if settings.private_key_file is None:
        found["private_key"] = SecretStr(secrets.private_key)
    return {name: value for name, value in found.items() if not getattr(settings, name)}


def _key(settings: Settings) -> bytes:
    """The secret key, which is there already: a new one would open nothing."""
    file = settings.data / NAME
    if not (is_set(settings) or is_waiting(settings) or file.exists()):
        raise WrongKey(
            f"The database has an App, and the key that its secrets were sealed with is gone: put "
            f"{file} back from a copy, or set the settings of the App."
        )
    return secret_key(settings)
