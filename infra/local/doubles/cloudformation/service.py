"""The calls of CloudFormation that the deploy makes, with the answers and refusals of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import boto3

from .changes import carry_out, compare, delete, undo
from .records import DELETED, IN_PROGRESS, REVIEW, ChangeSet, Refused, Stack

UPDATABLE = {
    f"{operation}_COMPLETE" for operation in ("CREATE", "UPDATE", "UPDATE_ROLLBACK", "IMPORT", "IMPORT_ROLLBACK")
}
CANCELLED = "Resource creation cancelled"
ARN = "arn:aws:cloudformation:eu-west-1:123456789012"


class CloudFormation:
    """What it shows on demand: `fails`, `rollback_fails` and `deletion_fails` are reasons by logical id, `looks` is how
    often an operation is seen in progress, `imports` says whether existing tables are recognized, and `before_answers`
    is called before each answer.
    """

    def __init__(self) -> None:
        self.fails: dict[str, str] = {}
        self.rollback_fails: dict[str, str] = {}
        self.deletion_fails: dict[str, str] = {}
        self.looks = 0
        self.imports = True
        self.page_size = 100
        self.before_answers: Callable[[], None] = lambda: None
        self.stacks: list[Stack] = []
        self.change_sets: dict[str, ChangeSet] = {}
        self._numbers = count(1)

    def create_change_set(self, **asked: Any) -> dict[str, Any]:
        creates = asked.get("ChangeSetType") == "CREATE"
        stack = self._stack_to_change(asked["StackName"], creates)
        template = _fetch(asked["TemplateURL"])
        change_set = ChangeSet(stack, creates, template, _values(asked["Parameters"], stack, template))
        compare(change_set, bool(asked.get("ImportExistingResources")) and self.imports)
        made = f"{ARN}:changeSet/{asked['ChangeSetName']}/{next(self._numbers)}"
        self.change_sets[made] = change_set
        return {"Id": made, "StackId": stack.id}

    def describe_change_set(self, **asked: Any) -> dict[str, Any]:
        found = self.change_sets[asked["ChangeSetName"]]
        page, token = self._page(found.changes, asked)
        return {"Status": found.status, "StatusReason": found.reason, "Changes": page, **token}

    def delete_change_set(self, **asked: Any) -> dict[str, Any]:
        del self.change_sets[asked["ChangeSetName"]]
        return {}

    def describe_events(self, **_: Any) -> dict[str, Any]:
        return {"OperationEvents": []}

    def execute_change_set(self, **asked: Any) -> dict[str, Any]:
        change_set = self.change_sets.pop(asked["ChangeSetName"])
        stack, operation = change_set.stack, "CREATE" if change_set.creates else "UPDATE"
        stack.move(f"{operation}{IN_PROGRESS}", "User Initiated", self.looks)
        changed = [change["ResourceChange"]["LogicalResourceId"] for change in change_set.changes]
        if failed := next((name for name in changed if name in self.fails), None):
            self._roll_back(change_set, operation, failed, bool(asked.get("RetainExceptOnCreate")))
        else:
            carry_out(change_set)
            stack.move(f"{operation}_COMPLETE")
        return {}

    def describe_stacks(self, **asked: Any) -> dict[str, Any]:
        return {"Stacks": [self.stack(asked["StackName"]).describe()]}

    def describe_stack_events(self, **asked: Any) -> dict[str, Any]:
        page, token = self._page(self.stack(asked["StackName"]).events[::-1], asked)
        return {"StackEvents": page, **token}

    def list_stack_resources(self, **asked: Any) -> dict[str, Any]:
        stack = self.stack(asked["StackName"])
        found = [
            {
                "LogicalResourceId": name,
                "PhysicalResourceId": stack.resources[name],
                "ResourceType": stack.template["Resources"][name]["Type"],
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for name in stack.resources
        ]
        page, token = self._page(found, asked)
        return {"StackResourceSummaries": page, **token}

    def update_termination_protection(self, **asked: Any) -> dict[str, Any]:
        self.stack(asked["StackName"]).protected = asked["EnableTerminationProtection"]
        return {}

    def delete_stack(self, **asked: Any) -> dict[str, Any]:
        stack = self.stack(asked["StackName"])
        if stack.protected:
            raise Refused(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.startswith("UPDATE") and stack.status.endswith(IN_PROGRESS):
            raise Refused(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
        stack.move(f"DELETE{IN_PROGRESS}", "User Initiated", self.looks)
        stuck = {name: self.deletion_fails[name] for name in stack.resources if name in self.deletion_fails}
        for name in list(stack.resources):
            delete(stack, name, stuck.get(name, ""))
        stack.move("DELETE_FAILED" if stuck else DELETED)
        return {}

    def add_stack(self, name: str, status: str) -> Stack:
        stack = Stack(name, f"{ARN}:stack/{name}/{next(self._numbers)}")
        self.stacks.append(stack)
        stack.move(status)
        return stack

    def stack(self, name: str) -> Stack:
        """By id also a deleted one; by name only one that exists."""
        for stack in self.stacks:
            if stack.id == name or (stack.name == name and stack.status != DELETED):
                return stack
        raise Refused(f"Stack with id {name} does not exist")

    def _stack_to_change(self, name: str, creates: bool) -> Stack:
        there = [stack for stack in self.stacks if stack.name == name and stack.status != DELETED]
        if creates and there and there[0].status != REVIEW:
            raise Refused(f"Stack [{name}] already exists", "AlreadyExistsException")
        if creates:
            return there[0] if there else self.add_stack(name, REVIEW)
        stack = self.stack(name)
        if stack.status not in UPDATABLE:
            raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        return stack

    def _roll_back(self, change_set: ChangeSet, operation: str, failed: str, deletes_tables: bool) -> None:
        stack, before = change_set.stack, set(change_set.stack.resources)
        carry_out(change_set, until=failed)
        stack.add_event(failed, change_set.kind(failed), f"{operation}_FAILED", self.fails[failed])
        for name in set(change_set.template["Resources"]) - set(stack.resources) - {failed}:
            stack.add_event(name, change_set.kind(name), f"{operation}_FAILED", CANCELLED)
        rollback = "ROLLBACK" if change_set.creates else "UPDATE_ROLLBACK"
        stack.move(f"{rollback}{IN_PROGRESS}", f"The following resource(s) failed: [{failed}].")
        undone = [undo(change_set, name, deletes_tables) for name in set(stack.resources) - before]
        for name, reason in self.rollback_fails.items():
            stack.add_event(name, change_set.kind(name), "UPDATE_FAILED", reason)
        if change_set.creates:
            stack.template = change_set.template
        stack.move(f"{rollback}_{'COMPLETE' if all(undone) and not self.rollback_fails else 'FAILED'}")

    def _page(self, items: list[Any], asked: Mapping[str, Any]) -> tuple[list[Any], dict[str, str]]:
        start = int(asked.get("NextToken") or 0)
        end = start + self.page_size
        return items[start:end], ({"NextToken": str(end)} if end < len(items) else {})


def _fetch(url: str) -> dict[str, Any]:
    """The template from moto's S3; the bucket is the first part of the host, or of the path."""
    address = urlsplit(url)
    host, path = address.netloc.partition(".s3")[0], address.path.lstrip("/")
    bucket, key = (host, path) if ".s3" in address.netloc else path.split("/", 1)
    template: dict[str, Any] = json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return template


def _values(given: list[dict[str, Any]], stack: Stack, template: Mapping[str, Any]) -> dict[str, str]:
    defaults = {name: str(one["Default"]) for name, one in template["Parameters"].items() if "Default" in one}
    kept = {one["ParameterKey"] for one in given if one.get("UsePreviousValue")}
    if missing := kept - set(stack.parameters):
        raise Refused(f"Invalid input for parameter key {min(missing)}: no previous value")
    new = {one["ParameterKey"]: one["ParameterValue"] for one in given if "ParameterValue" in one}
    if unknown := set(new) - set(template["Parameters"]):
        raise Refused(f"Parameters: {sorted(unknown)} do not exist in the template")
    return defaults | {name: stack.parameters[name] for name in kept} | new
