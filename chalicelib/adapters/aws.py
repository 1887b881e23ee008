"""Clients of AWS services, with short timeouts and a bounded number of retries.

The clients are made by botocore. Boto3 makes the same clients, but its import adds 17 ms to each cold start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from http import HTTPStatus
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from ..errors import TryAgain
from .attribute_values import RowParsers

CONNECTIONS = 60
"""One for each thread of a sender, and some for its main thread and its writers. A call that finds no free connection
opens one that is not kept."""

USER_AGENT = f"notifications botocore/{botocore.__version__}"
"""Fixed, because botocore builds its own twice for each call: a quarter of the processor time of making a call."""

THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "KmsThrottled",
    "KMS.ThrottlingException",
}
"""Those of KMS: of a queue with a key of one's own. Sources: SQS API Reference, Common Errors and SendMessage;
`ThrottledRetryableChecker` in botocore/retries/standard.py.
"""

_may_repeat: ContextVar[bool] = ContextVar("may_repeat", default=True)
_lock = Lock()


def client(service: str, attempts: int = 4, read_seconds: float = 5) -> Any:
    """Make a client on first use, never at import. Threads share it.

    `attempts`: 1 for calls that must not be repeated. Botocore also repeats a call that got no answer.
    """
    with _lock:
        return _client(service, attempts, read_seconds)


@contextmanager
def never_repeated() -> Iterator[None]:
    """In this block botocore does not repeat a call that may have taken effect. A throttled call is still repeated."""
    reset = _may_repeat.set(False)
    try:
        yield
    finally:
        _may_repeat.reset(reset)


def is_momentary(error: Exception) -> bool:
    """True if a service is throttled, fails or does not answer. The call may have taken effect, or succeed later."""
    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.response["Error"].get("Code") in THROTTLED


@contextmanager
def momentary_as(kind: type[TryAgain], what: str) -> Iterator[None]:
    """Raise `kind`, whose text begins with `what`, for an error of botocore that is momentary. Others pass through."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if not is_momentary(error):
            raise
        raise kind(f"{what}: {error}") from error


def _raise_if_never_repeated(response: Any, caught_exception: Exception | None, operation: Any, **_: Any) -> None:
    """Called before botocore decides whether it repeats a call. `response`: the HTTP response, and its content."""
    if _may_repeat.get():
        return
    if caught_exception is not None:
        raise caught_exception
    if response[0].status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ClientError(response[1], operation.name)  # type: ignore[no-untyped-call]


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
    made = _session().create_client(service, config=config)
    made.meta.events.register_first(f"needs-retry.{service}", _raise_if_never_repeated)
    return made


@cache
def _session() -> Any:
    """One session for all clients, because it caches botocore's data files.

    Loading them takes ten times as long as making a client.
    """
    session = botocore.session.get_session()  # type: ignore[no-untyped-call]
    session.register_component("response_parser_factory", RowParsers())  # type: ignore[no-untyped-call]
    return session


def reset_clients() -> None:
    """Drop all clients, so that the next ones are made from the current environment, for example another endpoint."""
    with _lock:
        _client.cache_clear()
        _session.cache_clear()
