"""One place where clients of AWS services are made: short time limits, and retries with a bound.

They are botocore's own: boto3's would make the same ones, and take 17 ms more of every cold start to import.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config

CONNECTIONS = 50
"""One for each thread of a sender, and some."""

USER_AGENT = f"notifications botocore/{botocore.__version__}"
"""Fixed: botocore would put its own together twice a call, which is a quarter of what a call takes us to make."""

_one_at_a_time = Lock()


def client(service: str, attempts: int = 4, read_seconds: float = 5) -> Any:
    """Made on first use, never at import; a client may be shared by threads, and is made by one of them.

    `attempts`: 1 for what must not be done twice, for botocore also repeats a call whose answer did not come.
    """
    with _one_at_a_time:
        return _client(service, attempts, read_seconds)


@cache
def _client(service: str, attempts: int, read_seconds: float) -> Any:
    config = Config(  # type: ignore[no-untyped-call]
        connect_timeout=2,
        read_timeout=read_seconds,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        user_agent=USER_AGENT,
        parameter_validation=False,  # the service does it
    )
    return _session().create_client(service, config=config)


@cache
def _session() -> Any:
    """What it has read of botocore's files it keeps, and that takes ten times as long as making a client."""
    return botocore.session.get_session()  # type: ignore[no-untyped-call]


def forget_clients() -> None:
    """From here on AWS may be another: what the environment says counts anew."""
    with _one_at_a_time:
        _client.cache_clear()
        _session.cache_clear()
