"""A one-time EventBridge schedule for each mailing: it invokes the starting Lambda and removes itself."""

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
        """Make the mailing's schedule, or move it."""
        request = {
            "Name": _name(mailing_id),
            "GroupName": self.group,
            "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self.target_arn,
                "RoleArn": self.role_arn,
                "Input": json.dumps({"mailing": mailing_id}),
            },
        }
        scheduler = aws.client("scheduler")
        try:
            scheduler.create_schedule(**request)
        except scheduler.exceptions.ConflictException:
            scheduler.update_schedule(**request)

    def remove(self, mailing_id: int) -> None:
        """One that has fired has removed itself already."""
        scheduler = aws.client("scheduler")
        try:
            scheduler.delete_schedule(Name=_name(mailing_id), GroupName=self.group)
        except scheduler.exceptions.ResourceNotFoundException:
            return


def _name(mailing_id: int) -> str:
    return f"mailing-{mailing_id}"
