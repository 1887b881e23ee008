"""Count calls to AWS in botocore, right before a request is sent, for all clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import handlers

from infra.local.doubles.aws import forget_connections

MADE_BY_LAMBDA = {"ReceiveMessage", "DeleteMessage"}
"""Calls of Lambda's poller, not of the service. Tests make them in its place."""


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """Count operations by name, with retries, of all clients that are created in this block."""
    calls: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        if operation not in MADE_BY_LAMBDA:
            calls[operation] += 1

    hook = ("before-send", count)
    forget_connections()
    handlers.BUILTIN_HANDLERS.append(hook)
    try:
        yield calls
    finally:
        handlers.BUILTIN_HANDLERS.remove(hook)
        forget_connections()
