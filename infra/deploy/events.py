"""Why an operation of CloudFormation failed: its first failure, from the events of this operation only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

BEGINNINGS = {f"{operation}_IN_PROGRESS" for operation in ("CREATE", "UPDATE", "DELETE", "IMPORT", "REVIEW")}
"""Statuses of the stack itself with which an operation begins; a rollback belongs to the operation that failed."""

CANCELLED = "cancelled"
"""CloudFormation cancels the other resources after the first failure: `Resource creation cancelled`."""


def failures(cloudformation: Any, stack_id: str) -> str:
    """One or two sentences: the first failure of the last operation, and what stopped its rollback, if anything did."""
    events = list(last_operation(cloudformation, stack_id))
    rollback = list(takewhile(lambda event: not _begins_rollback(event), events))
    failed = rollback if len(rollback) < len(events) else []
    before = events[len(failed) :]
    sentences = [_sentence("The first failure", _first(before))]
    if stopped := _first(failed):
        sentences.append(_sentence("Its rollback stopped at", stopped))
    return ". ".join(sentences)


def last_operation(cloudformation: Any, stack_id: str) -> Iterator[dict[str, Any]]:
    """The events of the last operation, newest first. Pages are read until its beginning is found."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            yield event
            if _is_of_stack(event) and event["ResourceStatus"] in BEGINNINGS:
                return


def _first(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The oldest failure of a resource; one of the stack itself if no resource failed."""
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
    of_resources = [event for event in failed if not _is_of_stack(event)]
    causes = [event for event in of_resources if CANCELLED not in event.get("ResourceStatusReason", "").lower()]
    return next(iter(causes or of_resources or failed), None)


def _sentence(beginning: str, event: dict[str, Any] | None) -> str:
    if event is None:
        return f"{beginning}: CloudFormation gives no reason"
    reason = event.get("ResourceStatusReason", "no reason given").strip().rstrip(".")
    return f"{beginning}: {event['LogicalResourceId']} ({event['ResourceType']}): {reason}"


def _begins_rollback(event: dict[str, Any]) -> bool:
    return _is_of_stack(event) and event["ResourceStatus"].endswith("ROLLBACK_IN_PROGRESS")


def _is_of_stack(event: dict[str, Any]) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])
