"""What the double of CloudFormation keeps: stacks with their events, and change sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STACK = "AWS::CloudFormation::Stack"
REVIEW = "REVIEW_IN_PROGRESS"
DELETED = "DELETE_COMPLETE"
IN_PROGRESS = "_IN_PROGRESS"


class Refused(Exception):
    """An error that CloudFormation answers."""

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Stack:
    """`resources`: physical ids by logical id. `pending`: statuses that the next looks see before `status`."""

    name: str
    id: str
    status: str = ""
    template: dict[str, Any] = field(default_factory=lambda: {"Resources": {}})
    parameters: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    def move(self, status: str, reason: str = "", looks: int = 0) -> None:
        if status.endswith(IN_PROGRESS) and status != REVIEW:
            self.pending = [status] * looks
        self.status = status
        self.add_event(self.name, STACK, status, reason)

    def add_event(self, name: str, kind: str, status: str, reason: str = "") -> None:
        event = {
            "EventId": str(len(self.events)),
            "StackId": self.id,
            "StackName": self.name,
            "LogicalResourceId": name,
            "PhysicalResourceId": self.id if kind == STACK else self.resources.get(name, ""),
            "ResourceType": kind,
            "ResourceStatus": status,
            "Timestamp": datetime.now(UTC),
        }
        self.events.append(event | ({"ResourceStatusReason": reason} if reason else {}))

    def describe(self) -> dict[str, Any]:
        return {
            "StackName": self.name,
            "StackId": self.id,
            "StackStatus": self.pending.pop(0) if self.pending else self.status,
            "CreationTime": datetime.now(UTC),
            "EnableTerminationProtection": self.protected,
            "Parameters": [{"ParameterKey": key, "ParameterValue": self.parameters[key]} for key in self.parameters],
            "Outputs": [],
        }


@dataclass
class ChangeSet:
    """`changes`: as DescribeChangeSet lists them."""

    stack: Stack
    creates: bool
    template: dict[str, Any]
    parameters: dict[str, str]
    changes: list[dict[str, Any]] = field(default_factory=list)
    status: str = "CREATE_COMPLETE"
    reason: str = ""

    def fail(self, reason: str) -> None:
        self.status, self.reason = "FAILED", reason

    def add(self, action: str, name: str, kind: str) -> None:
        change = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, "Replacement": "False"}
        self.changes.append({"Type": "Resource", "ResourceChange": change})

    def kind(self, name: str) -> str:
        resources = {**self.stack.template["Resources"], **self.template["Resources"]}
        return str(resources[name]["Type"])
