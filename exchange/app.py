"""The web application: the one place where real things are chosen and handed down."""

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from sqlalchemy import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from exchange.config import Config, config_from, database_password, metrics_token, refuse_unsafe
from exchange.db.audit_writer import AuditWriter
from exchange.db.sealing import KeyRing, digest, load_key_ring
from exchange.db.session import Database
from exchange.logs import set_up_logs
from exchange.outbound import outbound_session
from exchange.web.audit_trail import keep_audit_trail
from exchange.web.guard import guard
from exchange.web.headers import set_headers
from exchange.web.measures import measure
from exchange.web.transaction import share_reading
from exchange.web.unread_body import take_in_bodies

DOORS = ("health", "fhir", "oauth", "api", "portal")
OF_PROGRAMS = ("/fhir", "/oauth", "/healthz", "/readyz", "/metrics")
LARGEST_REQUEST = 5_000_000


def system_clock() -> datetime:
    """Return the time, aware UTC: the only place where it is read."""
    return datetime.now(UTC)


def open_database(
    config: Config, *, keys: KeyRing | None = None, clock: Callable[[], datetime] = system_clock
) -> Database:
    """Return the database of a configuration. Raises WrongSetting, OSError, ValueError."""
    if keys is None:
        assert config.secret_key_file is not None
        keys = load_key_ring(config.secret_key_file, config.key_ring_file)
    url, password = make_url(config.database_url), database_password(config)
    address = (url if password is None else url.set(password=password)).render_as_string(hide_password=False)
    return Database(address, keys=keys, clock=clock, fhir_base=config.fhir_base, threads=config.threads)


class Exchange(Flask):
    """The application. No view of ours is a coroutine, so nobody looks whether one is, eight times a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func


class CookieOfForms(SecureCookieSessionInterface):
    """The cookie that holds a form's token. Programs have no forms, so theirs is neither read nor written."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a browser; of a program none that anything could be kept in."""
        return None if request.path.startswith(OF_PROGRAMS) else super().open_session(app, request)


def create_app(config: Config, database: Database, *, outbound: Any = None, **flask_settings: Any) -> Flask:
    """Return the Flask application with every door. `outbound` is the guarded session for outgoing HTTP."""
    app = Exchange("exchange", static_folder=None)
    app.session_interface = CookieOfForms()
    app.config.update(
        SECRET_KEY=database.keys.token("flask", "secret") + database.keys.token("flask", "key"),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_NAME=config.cookie_name("exchange_form"),
    )
    app.config.update(flask_settings)
    app.url_map.strict_slashes = False
    app.extensions["exchange_config"] = config
    app.extensions["exchange_database"] = database
    app.extensions["exchange_outbound"] = outbound or outbound_session(config.allowed_addresses)
    app.extensions["exchange_audit"] = AuditWriter(database, wait=config.audit_reads == "wait")
    token = metrics_token(config)
    app.extensions["exchange_metrics_token"] = digest(token) if token else None
    if config.trusted_proxies:
        #  Flask documents this assignment; its type says that a method stays a method
        app.wsgi_app = ProxyFix(app.wsgi_app, config.trusted_proxies, config.trusted_proxies)  # type: ignore[method-assign]
    share_reading(app)
    #  what stands first begins first and ends last: a refusal of the guard, and the wait for the audit, are timed too
    set_headers(app)
    measure(app)
    guard(app)
    keep_audit_trail(app)
    take_in_bodies(app)
    for door in DOORS:
        importlib.import_module(f"exchange.web.{door}.door").open_door(app)
    return app


def production() -> Flask:
    """Return the application of the environment's settings: what the web server loads."""
    config = config_from()
    refuse_unsafe(config)
    set_up_logs(config.log_level)
    app = create_app(config, open_database(config))
    #  the web server ends its worker as multiprocessing does, which passes `atexit` by; what was spooled is written
    Finalize(None, app.extensions["exchange_audit"].stop, exitpriority=1)
    return app
