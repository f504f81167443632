"""The floor: the same server, threads, framework, driver and disk, doing next to nothing.

`GET /bare` answers a small JSON object. `POST /commit` inserts one row of the size of a sealed document and commits
it, on the one writing connection under the mutex, as `exchange/db/session.py` does. No sign-in, audit, check or seal.
"""

import os
import threading

from flask import Flask, Response, jsonify

from exchange.config import config_from
from exchange.db.sealing import KeyRing
from exchange.db.session import Database

APPLICATION = "tests.benchmarks.floor:production"
ROW_BYTES = 1_000
MAKE = "CREATE TABLE IF NOT EXISTS benchmark_floor (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"
INSERT = "INSERT INTO benchmark_floor (body) VALUES (?)"


def create_floor(database: Database) -> Flask:
    """Return the application of the floor over a database (SQLite)."""
    app = Flask("benchmark_floor", static_folder=None)
    mutex, body = threading.Lock(), os.urandom(ROW_BYTES)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(MAKE)
    writer = app.extensions["benchmark_writer"] = database.engine.raw_connection()

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/bare")
    def bare() -> Response:
        return jsonify(resourceType="Basic", id="benchmark")

    @app.post("/commit")
    def commit() -> Response:
        with mutex:
            cursor = writer.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(INSERT, (body,))
            number = cursor.lastrowid
            cursor.execute("COMMIT")
            cursor.close()
        return jsonify(resourceType="Basic", id=str(number))

    return app


def production() -> Flask:
    """Return the floor of the environment's settings: what the web server loads."""
    from exchange.app import system_clock

    keys = KeyRing({"k1": bytes(32)}, "k1", bytes(32))
    return create_floor(Database(config_from().database_url, keys=keys, clock=system_clock))
