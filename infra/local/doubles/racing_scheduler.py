"""EventBridge Scheduler over moto, where other callers act and schedules fire between two calls of this process.

Source of the errors: EventBridge Scheduler API Reference, CreateSchedule, UpdateSchedule and DeleteSchedule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3

from chalicelib.adapters import schedules

REFUSED = SimpleNamespace(status_code=400)
"""Botocore looks only whether the status is 300 or more."""


class RacingScheduler:
    """`before` has what happens right before the next calls of an operation: one entry for each call.

    An entry is a function that acts as another caller does, or the code of the error that the call gets instead of an
    answer. `calls` has the operations in their order.
    """

    def __init__(self) -> None:
        self.before: dict[str, list[Callable[[], object] | str]] = defaultdict(list)
        self.calls: list[str] = []

    @contextmanager
    def installed(self) -> Iterator[RacingScheduler]:
        events = schedules.client().meta.events
        events.register("before-call.scheduler", self._before_call)
        try:
            yield self
        finally:
            events.unregister("before-call.scheduler", self._before_call)

    def _before_call(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        self.calls.append(model.name)
        event = self.before[model.name].pop(0) if self.before[model.name] else None
        if isinstance(event, str):
            return REFUSED, {"Error": {"Code": event, "Message": event}}
        if event is not None:
            event()
        return None


def create(group: str, name: str, at: str) -> None:
    """As another caller makes a schedule."""
    role = "arn:aws:iam::123456789012:role/scheduler"
    target = {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:start", "RoleArn": role}
    boto3.client("scheduler").create_schedule(
        Name=name, GroupName=group, ScheduleExpression=at, FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )


def fire(group: str, name: str) -> None:
    """A schedule with ActionAfterCompletion DELETE is gone after it has fired."""
    boto3.client("scheduler").delete_schedule(Name=name, GroupName=group)
