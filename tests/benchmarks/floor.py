"""The floor: the same server, threads, framework, driver and disk, doing next to nothing.

`GET /bare` answers a small JSON object. `POST /commit` inserts one row of the size of a sealed document and commits
it, on the one writing connection under the mutex, as `exchange/db/session.py` does. No sign-in, audit, check or seal.
"""

import os
import threading
from collections.abc import Callable

from flask import Flask, Response, jsonify

from exchange.config import config_from
from exchange.db.sealing import KeyRing
from exchange.db.session import Database

APPLICATION = "tests.benchmarks.floor:production"
ROW_BYTES = 1_000
MAKE = {
    True: "CREATE TABLE IF NOT EXISTS benchmark_floor (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    False: "CREATE TABLE IF NOT EXISTS benchmark_floor (id BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)",
}


def create_floor(database: Database) -> Flask:
    """Return the application of the floor over a database.

    SQLite commits on the one writing connection under a mutex; on PostgreSQL each thread has a connection of its own,
    so that commits go to the disk together: the most that the server gives.
    """
    app = Flask("benchmark_floor", static_folder=None)
    body = os.urandom(ROW_BYTES)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(MAKE[database.is_sqlite])
    insert = _one_writer(app, database) if database.is_sqlite else _writer_a_thread(database)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/bare")
    def bare() -> Response:
        return jsonify(resourceType="Basic", id="benchmark")

    @app.post("/commit")
    def commit() -> Response:
        return jsonify(resourceType="Basic", id=str(insert(body)))

    return app


def _one_writer(app: Flask, database: Database) -> Callable[[bytes], int]:
    mutex = threading.Lock()
    writer = app.extensions["benchmark_writer"] = database.engine.raw_connection()

    def insert(body: bytes) -> int:
        with mutex:
            cursor = writer.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("INSERT INTO benchmark_floor (body) VALUES (?)", (body,))
            number = cursor.lastrowid
            cursor.execute("COMMIT")
            cursor.close()
            return int(number or 0)

    return insert


def _writer_a_thread(database: Database) -> Callable[[bytes], int]:
    own = threading.local()

    def insert(body: bytes) -> int:
        if not hasattr(own, "writer"):
            own.writer = database.engine.raw_connection()
        cursor = own.writer.cursor()
        number = cursor.execute("INSERT INTO benchmark_floor (body) VALUES (%s) RETURNING id", (body,)).fetchone()[0]
        own.writer.commit()
        cursor.close()
        return int(number)

    return insert


def production() -> Flask:
    """Return the floor of the environment's settings: what the web server loads."""
    from exchange.app import system_clock

    keys = KeyRing({"k1": bytes(32)}, "k1", bytes(32))
    return create_floor(Database(config_from().database_url, keys=keys, clock=system_clock))
