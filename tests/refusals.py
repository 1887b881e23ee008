"""Calls that AWS refuses, and partly refused batches of SQS: moto accepts everything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from chalicelib.adapters import aws


@contextmanager
def refused_calls(service: str, operation: str, error: Exception | tuple[str, int], **client: Any) -> Iterator[None]:
    """Every call gets this error, or the code and the HTTP status of one. The retries of botocore are over.

    `client`: here and below, how the client is made, if not as usual.
    """

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        if isinstance(error, Exception):
            raise error
        code, status = error
        answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return SimpleNamespace(status_code=status), answer

    events, event = aws.client(service, **client).meta.events, f"before-call.{service}.{operation}"
    events.register(event, refuse)
    try:
        yield
    finally:
        events.unregister(event, refuse)


@contextmanager
def refused_entries(operation: str, refusals: Sequence[set[str]], **client: Any) -> Iterator[None]:
    """Requests of this operation refuse the entries with these ids: one set of ids for each request. The other entries
    reach moto. Source of the answer's format: SQS API Reference, BatchResultErrorEntry.
    """
    left = list(refusals)
    failed: list[dict[str, Any]] = []

    def remove_refused(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        ids = left.pop(0) if left else set()
        body = json.loads(params["body"])
        accepted = [entry for entry in body["Entries"] if entry["Id"] not in ids]
        failed[:] = [
            {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"}
            for entry in body["Entries"]
            if entry["Id"] in ids
        ]
        if not accepted:  # moto, like SQS, refuses an empty batch
            return SimpleNamespace(status_code=200), {"Successful": []}
        params["body"] = json.dumps({**body, "Entries": accepted}).encode()
        return None

    def report_refused(parsed: dict[str, Any], **_: Any) -> None:
        if failed:
            parsed["Failed"] = list(failed)

    events = aws.client("sqs", **client).meta.events
    hooks = [(f"before-call.sqs.{operation}", remove_refused), (f"after-call.sqs.{operation}", report_refused)]
    for event, hook in hooks:
        events.register(event, hook)
    try:
        yield
    finally:
        for event, hook in hooks:
            events.unregister(event, hook)
