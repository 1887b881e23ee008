"""Counting calls to AWS where every client makes them: in botocore, just before a request leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import handlers

from infra.local.doubles.aws import forget_connections

MADE_BY_LAMBDA = {"ReceiveMessage", "DeleteMessage"}
"""Lambda's own poller makes these, not our code; they are what the stand-in for it does in tests."""


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """Operations by name, retries included, of all clients whose session is made in this block."""
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
