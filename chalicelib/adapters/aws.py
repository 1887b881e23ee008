"""Clients of AWS services, with short timeouts and a bounded number of retries.

The clients are made by botocore. Boto3 makes the same clients, but its import adds 17 ms to each cold start.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config

CONNECTIONS = 50
"""More than one for each thread of a sender."""

USER_AGENT = f"notifications botocore/{botocore.__version__}"
"""Fixed, because botocore builds its own twice for each call: a quarter of the processor time of making a call."""

_lock = Lock()


def client(service: str, attempts: int = 4, read_seconds: float = 5) -> Any:
    """Make a client on first use, never at import. Threads share it.

    `attempts`: 1 for calls that must not be repeated. Botocore also repeats a call that got no answer.
    """
    with _lock:
        return _client(service, attempts, read_seconds)


@cache
def _client(service: str, attempts: int, read_seconds: float) -> Any:
    config = Config(  # type: ignore[no-untyped-call]
        connect_timeout=2,
        read_timeout=read_seconds,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        user_agent=USER_AGENT,
        parameter_validation=False,  # the service validates
    )
    return _session().create_client(service, config=config)


@cache
def _session() -> Any:
    """One session for all clients, because it caches botocore's data files.

    Loading them takes ten times as long as making a client.
    """
    return botocore.session.get_session()  # type: ignore[no-untyped-call]


def reset_clients() -> None:
    """Drop all clients, so that the next ones are made from the current environment, for example another endpoint."""
    with _lock:
        _client.cache_clear()
        _session.cache_clear()
