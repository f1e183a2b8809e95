"""Decisions in SQLite: in the memory of the process, or in a file that several servers may share.

A file is written ahead (WAL), so that one who reads never waits for one who writes and a process that is killed leaves
it whole. It is a cache: a file of another version is emptied, one of another program is left alone. What was used
least recently goes first. Source: https://sqlite.org/wal.html and https://sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import sqlite3
import time

from foveola.decisions import MOST_ROWS, Decision, readable

APPLICATION = 0x666F7665
"""`application_id` of our files: "fove"."""
SCHEMA = 1
"""`user_version`: a file of another one is emptied."""
BUSY_SECONDS = 0.1
"""How long to wait for one who holds the file; a search is the alternative."""
_TABLES = (
    "DROP TABLE IF EXISTS decisions",
    "CREATE TABLE decisions (source BLOB, key BLOB, used INTEGER, row TEXT, PRIMARY KEY (source, key)) WITHOUT ROWID",
    "CREATE INDEX by_use ON decisions (used)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)


class SqliteStore:
    """A store of at most `size` decisions; see `foveola.decisions.Store`.

    Args:
        path: a file, or `:memory:`.
        size: how many decisions are kept.
    """

    def __init__(self, path: str, size: int) -> None:
        self._path = path
        self._size = size
        self._room = 0
        self._open: sqlite3.Connection | None = None

    def rows(self, source: str) -> list[Decision]:
        """Return what is remembered of a source, the latest first."""
        asked = "SELECT row FROM decisions WHERE source = ? ORDER BY used DESC LIMIT ?"
        return readable(row for (row,) in self._connection().execute(asked, (bytes.fromhex(source), MOST_ROWS)))

    def remember(self, source: str, decision: Decision) -> None:
        """Keep a decision, and let the ones go that were used least recently."""
        connection = self._connection()
        key = bytes.fromhex(decision.key.processing + decision.key.codec + decision.key.goal)
        with connection:
            connection.execute(
                "INSERT INTO decisions VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET used = excluded.used, row = excluded.row",
                (bytes.fromhex(source), key, time.time_ns(), decision.write()),
            )
            self._room -= 1
            if self._room < 0:
                self._trim(connection)

    def forget(self, source: str) -> None:
        """Drop everything that is remembered of a source."""
        with self._connection() as connection:
            connection.execute("DELETE FROM decisions WHERE source = ?", (bytes.fromhex(source),))

    def close(self) -> None:
        """Close the file."""
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    def _trim(self, connection: sqlite3.Connection) -> None:
        """Let the oldest sixteenth go where there are too many; counting is left out until so many may have come."""
        (count,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
        if count > self._size:
            surplus = count - self._size + self._size // 16
            connection.execute(
                "DELETE FROM decisions WHERE (source, key) IN "
                "(SELECT source, key FROM decisions ORDER BY used LIMIT ?)",
                (surplus,),
            )
            count -= surplus
        self._room = self._size - count

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._open, self._room = connection, 0
        return self._open


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where they are not there.

    Raises:
        sqlite3.DatabaseError: the file is of another program, or damaged.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION and tables:
        raise sqlite3.DatabaseError("the file belongs to another program")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if (application, version) != (APPLICATION, SCHEMA):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES:
                connection.execute(statement)
