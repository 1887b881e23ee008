"""One-time EventBridge schedules: for a mailing's start, and for each opening of local hours that messages wait for.

A schedule invokes the Lambda that starts mailings, and is deleted after it has fired.
"""

from __future__ import annotations

import json
from datetime import datetime

from . import aws


class Schedules:
    """`group` contains the schedules of this stack. They invoke `target_arn` with the role `role_arn`."""

    def __init__(self, group: str, target_arn: str, role_arn: str) -> None:
        self.group = group
        self.target_arn = target_arn
        self.role_arn = role_arn

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
        scheduler = aws.client("scheduler")
        try:
            scheduler.delete_schedule(Name=name, GroupName=self.group)
        except scheduler.exceptions.ResourceNotFoundException:
            return

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
        scheduler = aws.client("scheduler")
        try:
            scheduler.create_schedule(**request)
        except scheduler.exceptions.ConflictException:
            scheduler.update_schedule(**request)


def _name(mailing_id: int) -> str:
    return f"mailing-{mailing_id}"


def _release_name(mailing_id: int, opens_at: datetime) -> str:
    return f"{_name(mailing_id)}-opens-{int(opens_at.timestamp())}"
