"""Decisions in Redis, for servers that share them: a hash a source, with an end.

How much Redis keeps in all, and what it lets go first, are settings of its own (`maxmemory`, `allkeys-lru`).
Source: https://redis.io/docs/latest/develop/data-types/hashes/
"""

from __future__ import annotations

import time
from typing import Any

import redis

from foveola.decisions import MOST_ROWS, Decision, readable
from foveola.errors import ConfigError, expected

PREFIX = "foveola:decisions:1:"
"""What keys begin with; the number is the version of what stands there."""
SECONDS = 0.2
"""How long to wait for a connection or an answer; a search is the alternative."""
KEPT_SECONDS = 30 * 86400
"""After how long without use a source is forgotten."""


class RedisStore:
    """A store in Redis; see `foveola.decisions.Store`.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it.

    Raises:
        ConfigError: the address can't be read.
    """

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
        try:
            self._client: Any = redis.Redis.from_url(url, decode_responses=True, encoding_errors="replace", **options)
        except ValueError as error:  # it may hold a password, so it is not shown
            raise ConfigError(f"{expected('an address of a Redis', 'FOVEOLA_DECISIONS', '…')}: {error}") from error

    def rows(self, source: str) -> list[Decision]:
        """Return what is remembered of a source, the latest first."""
        found: dict[str, str] = self._client.hgetall(PREFIX + source)
        return readable(text.partition(" ")[2] for text in sorted(found.values(), key=_used, reverse=True)[:MOST_ROWS])

    def remember(self, source: str, decision: Decision) -> None:
        """Keep a decision, and let the oldest go where a source has too many."""
        name, key = PREFIX + source, decision.key
        with self._client.pipeline() as together:
            together.hset(name, key.processing + key.codec + key.goal, f"{time.time_ns()} {decision.write()}")
            together.expire(name, KEPT_SECONDS)
            together.hlen(name)
            count = together.execute()[-1]
        if count > MOST_ROWS:
            found: dict[str, str] = self._client.hgetall(name)
            oldest = sorted(found, key=lambda field: _used(found[field]))[: count - MOST_ROWS]
            self._client.hdel(name, *oldest)

    def forget(self, source: str) -> None:
        """Drop everything that is remembered of a source."""
        self._client.delete(PREFIX + source)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _used(text: str) -> int:
    """Return when a row was used last; what can't be read is the oldest."""
    time, _, _ = text.partition(" ")
    return int(time) if time.isdecimal() else 0
