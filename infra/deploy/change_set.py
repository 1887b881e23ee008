"""A change set: made, read, and executed or discarded."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .errors import DeployFailed
from .stack_settings import StackSettings
from .states import LOOKS, PAUSE, REVIEW

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
IMPORT = "Import"
UNDER_WAY = {"CREATE_PENDING", "CREATE_IN_PROGRESS"}


@dataclass(frozen=True)
class Change:
    """One resource. `replacement`: True, False or Conditional, for a changed one."""

    action: str
    logical_id: str
    type: str
    replacement: str = ""

    def __str__(self) -> str:
        replaced = " (replaced)" if self.replacement == "True" else ""
        possibly = " (possibly replaced)" if self.replacement == "Conditional" else ""
        return f"{self.action:<8}{self.logical_id:<34}{self.type}{replaced}{possibly}"


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed. `stack_id`: the stack; with `creates` it has no resources yet."""

    id: str
    stack_id: str
    creates: bool
    changes: tuple[Change, ...]

    @property
    def imports(self) -> tuple[str, ...]:
        """Logical ids of the resources that exist already and that the stack takes over."""
        return tuple(change.logical_id for change in self.changes if change.action == IMPORT)


def create_change_set(
    cloudformation: Any,
    stack_name: str,
    template_url: str,
    parameters: Iterable[Mapping[str, Any]],
    creates: bool,
    settings: StackSettings,
) -> ChangeSet | None:
    """Returns None if there is nothing to change. Existing tables with the names of the template are to be imported.

    Raises DeployFailed with CloudFormation's reason.
    """
    try:
        made = cloudformation.create_change_set(
            StackName=stack_name,
            ChangeSetName=f"deploy-{time.time_ns()}",
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateURL=template_url,
            Capabilities=CAPABILITIES,
            Parameters=list(parameters),
            ImportExistingResources=True,
            **settings.arguments(),
        )
    except ClientError as error:
        raise DeployFailed(f"CloudFormation refused the stack: {error}") from error
    described = _await(cloudformation, made["Id"])
    change_set = ChangeSet(made["Id"], made["StackId"], creates, tuple(_changes(cloudformation, made["Id"])))
    if described["Status"] == "CREATE_COMPLETE":
        return change_set
    reason = described.get("StatusReason", "no reason given")
    details = _validation_failures(cloudformation, made["Id"])
    discard(cloudformation, change_set)
    if any(text in reason for text in NO_CHANGES):
        return None
    raise DeployFailed(f"CloudFormation refused the change: {'. '.join([reason, *details])}")


def execute(cloudformation: Any, change_set: ChangeSet) -> None:
    """Start the change. A new stack that imports nothing deletes the tables that it made, if its creation fails.

    Otherwise tables stay whatever happens, and the next change set imports those that are in no stack.
    """
    undone = change_set.creates and not change_set.imports
    try:
        cloudformation.execute_change_set(ChangeSetName=change_set.id, RetainExceptOnCreate=undone)
    except ClientError as error:
        raise DeployFailed(f"CloudFormation refused the change: {error}") from error


def discard(cloudformation: Any, change_set: ChangeSet) -> None:
    """Delete the change set, and the stack without resources that came with it."""
    cloudformation.delete_change_set(ChangeSetName=change_set.id)
    if change_set.creates:
        stack = cloudformation.describe_stacks(StackName=change_set.stack_id)["Stacks"][0]
        if stack["StackStatus"] == REVIEW:
            cloudformation.delete_stack(StackName=change_set.stack_id)


def _await(cloudformation: Any, change_set: str) -> dict[str, Any]:
    for _ in range(LOOKS):
        described: dict[str, Any] = cloudformation.describe_change_set(ChangeSetName=change_set)
        if described["Status"] not in UNDER_WAY:
            return described
        time.sleep(PAUSE)
    raise DeployFailed("CloudFormation did not finish the change set within an hour: repeat the command")


def _changes(cloudformation: Any, change_set: str) -> list[Change]:
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    found = [change["ResourceChange"] for page in pages for change in page.get("Changes", [])]
    return [
        Change(one["Action"], one["LogicalResourceId"], one["ResourceType"], one.get("Replacement", ""))
        for one in found
    ]


def _validation_failures(cloudformation: Any, change_set: str) -> list[str]:
    """What CloudFormation's early validation found: the reason of the change set only refers to these events."""
    reasons = []
    with suppress(BotoCoreError, ClientError, KeyError):
        pages = cloudformation.get_paginator("describe_events").paginate(ChangeSetName=change_set)
        for event in (event for page in pages for event in page["OperationEvents"]):
            if event.get("ValidationStatus") == "FAILED":
                reasons.append(f"{event.get('LogicalResourceId')}: {event.get('ValidationStatusReason')}")
    return reasons
