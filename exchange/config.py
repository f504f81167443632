"""The settings of a process, read once from the environment, by `app` and `cli` only.

Every variable is in `ENVIRONMENT` below; ARCHITECTURE §6 lists the ones that stay.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from exchange.domain.errors import ExchangeError

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class WrongSetting(ExchangeError):
    """A setting that cannot be used; the sentence names the variable."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a process needs to know. `base_url` has no slash at its end; `/fhir` below it is the FHIR base."""

    database_url: str = "sqlite:///var/exchange.db"
    base_url: str = "http://127.0.0.1:8080"
    secret_key_file: Path | None = None
    key_ring_file: Path | None = None
    mail_url: str = "file://var/mail"
    log_level: str = "INFO"
    trusted_proxies: int = 0
    audit_reads: str = "wait"
    allowed_addresses: tuple[str, ...] = ()
    time_zone: str = "America/Chicago"
    threads: int = 16
    metrics_token_file: Path | None = None
    database_password_file: Path | None = None
    mail_from: str = "Referral Exchange <no-reply@referral-exchange.invalid>"

    @property
    def fhir_base(self) -> str:
        """The FHIR base address, without a slash at its end."""
        return f"{self.base_url}/fhir"

    @property
    def is_https(self) -> bool:
        """Whether people reach the exchange over TLS."""
        return self.base_url.startswith("https://")

    def cookie_name(self, name: str) -> str:
        """Return the name of a cookie; over TLS no neighbouring host can set one of this name (RFC 6265bis §4.1.3)."""
        return f"__Host-{name}" if self.is_https else name


ENVIRONMENT = {
    "EXCHANGE_DATABASE_URL": "database_url",
    "EXCHANGE_BASE_URL": "base_url",
    "EXCHANGE_SECRET_KEY_FILE": "secret_key_file",
    "EXCHANGE_KEY_RING": "key_ring_file",
    "EXCHANGE_MAIL_URL": "mail_url",
    "EXCHANGE_MAIL_FROM": "mail_from",
    "EXCHANGE_LOG_LEVEL": "log_level",
    "EXCHANGE_TRUSTED_PROXIES": "trusted_proxies",
    "EXCHANGE_AUDIT_READS": "audit_reads",
    "EXCHANGE_ALLOWED_ADDRESSES": "allowed_addresses",
    "EXCHANGE_TIME_ZONE": "time_zone",
    "EXCHANGE_METRICS_TOKEN_FILE": "metrics_token_file",
    "EXCHANGE_DATABASE_PASSWORD_FILE": "database_password_file",
}


def config_from(environment: Mapping[str, str] = os.environ) -> Config:
    """Return the settings of an environment. Raises WrongSetting with a sentence that names the variable."""
    given = {field: environment[name] for name, field in ENVIRONMENT.items() if environment.get(name)}
    config = Config()
    for field, text in given.items():
        config = replace(config, **{field: _read(field, text)})
    if config.audit_reads not in ("wait", "spool"):
        raise WrongSetting("EXCHANGE_AUDIT_READS must be `wait` or `spool`.")
    if config.log_level not in LOG_LEVELS:
        raise WrongSetting(f"EXCHANGE_LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}.")
    return config


def _read(field: str, text: str) -> object:
    match field:
        case "secret_key_file" | "key_ring_file" | "metrics_token_file" | "database_password_file":
            return Path(text)
        case "trusted_proxies":
            if not text.isdigit():
                raise WrongSetting("EXCHANGE_TRUSTED_PROXIES must be a number: how many proxies stand in front.")
            return int(text)
        case "allowed_addresses":
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case "log_level":
            return text.upper()
        case "base_url":
            return text.rstrip("/")
        case _:
            return text


SHORTEST_TOKEN: Final = 32


def metrics_token(config: Config) -> str | None:
    """Return the token that opens `/metrics`, None where no file is named. Raises WrongSetting for a weak one."""
    if config.metrics_token_file is None:
        return None
    try:
        token = config.metrics_token_file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise WrongSetting("EXCHANGE_METRICS_TOKEN_FILE must name a file that can be read.") from None
    if len(token) < SHORTEST_TOKEN:
        raise WrongSetting(
            f"The token in EXCHANGE_METRICS_TOKEN_FILE must have {SHORTEST_TOKEN} characters or more: "
            "make one with `openssl rand -hex 32`."
        )
    return token


def database_password(config: Config) -> str | None:
    """Return the database's password from its file, None where no file is named: so it stands in no environment."""
    if config.database_password_file is None:
        return None
    try:
        return config.database_password_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise WrongSetting("EXCHANGE_DATABASE_PASSWORD_FILE must name a file that can be read.") from None


def refuse_unsafe(config: Config) -> None:
    """Raise WrongSetting for what `serve` must not start with: no key file, or plain http off loopback."""
    if config.secret_key_file is None or not config.secret_key_file.exists():
        raise WrongSetting(
            "EXCHANGE_SECRET_KEY_FILE must name the file that seals the data: "
            "make one with `exchange check --make-key FILE`."
        )
    parts = urlsplit(config.base_url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise WrongSetting(
            "EXCHANGE_BASE_URL must begin with https:// unless it is on this machine: tokens travel over it."
        )
    metrics_token(config)
