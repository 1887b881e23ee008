"""One-time EventBridge schedules: for a mailing's start, and for each opening of its hours that somebody waits for.

They invoke the starting Lambda, and remove themselves.
"""

from __future__ import annotations

import json
from datetime import datetime

from . import aws


class Schedules:
    """`group` holds the schedules of this stack; `target_arn` is what they invoke, with `role_arn`."""

    def __init__(self, group: str, target_arn: str, role_arn: str) -> None:
        self.group = group
        self.target_arn = target_arn
        self.role_arn = role_arn

    def set(self, mailing_id: int, at: datetime) -> None:
        """Make the schedule of the mailing's start, or move it."""
        self._set(_name(mailing_id), at, {"mailing": mailing_id})

    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        """Whoever waits for this moment is to be released then."""
        opens = int(opens_at.timestamp())
        self._set(f"{_name(mailing_id)}-opens-{opens}", opens_at, {"mailing": mailing_id, "opens_at": opens})

    def remove(self, mailing_id: int) -> None:
        """One that has fired has removed itself already."""
        scheduler = aws.client("scheduler")
        try:
            scheduler.delete_schedule(Name=_name(mailing_id), GroupName=self.group)
        except scheduler.exceptions.ResourceNotFoundException:
            return

    def _set(self, name: str, at: datetime, payload: dict[str, int]) -> None:
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
