"""One-time EventBridge schedules: for a mailing's start, and for each opening of local hours that messages wait for.

A schedule invokes the Lambda that starts mailings, and is deleted after it has fired. It only makes a start punctual:
the row of the mailing decides what the Lambda does, and the sweep starts and releases within a minute what no schedule
has started or released.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..logs import log
from ..retries import retry
from . import aws
from .clock import Clock

REFUSED_FOR_A_MOMENT = {
    "ConflictException",  # another caller has made the schedule, or is changing it
    "ResourceNotFoundException",  # it has fired, or another caller has deleted it
    "ThrottlingException",
    "InternalServerException",
}
"""Source: EventBridge Scheduler API Reference, errors of CreateSchedule, UpdateSchedule and DeleteSchedule."""

REFUSED_FOR_LONG = {
    "ServiceQuotaExceededException",  # the account has no room for another schedule
    "ValidationException",  # a date too far away: LocalStack takes none after 2099, and AWS documents no last one
}
"""Trying again for some seconds would not help.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
"""


def client() -> Any:
    """Waits for less time than other clients: the API has 20 seconds for a request."""
    return aws.client("scheduler", attempts=2, read_seconds=2)


class Schedules:
    """`group` contains the schedules of this stack. They invoke `target_arn` with the role `role_arn`.

    Each change is tried for five seconds while it loses races, or Scheduler refuses it or does not answer. Then it is
    logged and left to the sweep.
    """

    def __init__(self, group: str, target_arn: str, role_arn: str, clock: Clock) -> None:
        self.group = group
        self.target_arn = target_arn
        self.role_arn = role_arn
        self._clock = clock

    def set(self, mailing_id: int, at: datetime) -> None:
        """Make or move the schedule of the mailing's start."""
        self._put(_name(mailing_id), at, {"mailing": mailing_id})

    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        """Make the schedule that releases the messages that wait for local hours to open at `opens_at`."""
        epoch = int(opens_at.timestamp())
        self._put(_release_name(mailing_id, opens_at), opens_at, {"mailing": mailing_id, "opens_at": epoch})

    def remove(self, mailing_id: int) -> None:
        """Delete the schedule of the mailing's start. After it has fired, it is deleted already."""
        self._delete(_name(mailing_id))

    def remove_release(self, mailing_id: int, opens_at: datetime) -> None:
        """Delete the schedule of a release. After it has fired, it is deleted already."""
        self._delete(_release_name(mailing_id, opens_at))

    def _delete(self, name: str) -> None:
        scheduler = client()

        def attempt() -> None:
            with suppress(scheduler.exceptions.ResourceNotFoundException):
                scheduler.delete_schedule(Name=name, GroupName=self.group)

        self._try(name, attempt)

    def _put(self, name: str, at: datetime, payload: dict[str, int]) -> None:
        request = {
            "Name": name,
            "GroupName": self.group,
            "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self.target_arn,
                "RoleArn": self.role_arn,
                "Input": json.dumps(payload),
            },
        }
        scheduler = client()

        def attempt() -> None:
            """The update fails if the schedule fires or is deleted after the creation met it: it is made again."""
            try:
                scheduler.create_schedule(**request)
            except scheduler.exceptions.ConflictException:
                scheduler.update_schedule(**request)

        self._try(name, attempt)

    def _try(self, name: str, attempt: Callable[[], None]) -> None:
        try:
            retry(self._clock, attempt, _is_refused_for_a_moment)
        except (BotoCoreError, ClientError) as error:
            if not (_code(error) in REFUSED_FOR_LONG or _is_refused_for_a_moment(error)):
                raise
            log.exception("schedule left to the sweep", extra={"schedule": name})


def _is_refused_for_a_moment(error: Exception) -> bool:
    return _code(error) in REFUSED_FOR_A_MOMENT or aws.is_momentary(error)


def _code(error: Exception) -> str:
    """Empty for an error without an answer."""
    return str(error.response["Error"].get("Code")) if isinstance(error, ClientError) else ""


def _name(mailing_id: int) -> str:
    return f"mailing-{mailing_id}"


def _release_name(mailing_id: int, opens_at: datetime) -> str:
    return f"{_name(mailing_id)}-opens-{int(opens_at.timestamp())}"
