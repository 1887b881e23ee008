"""The statuses of a stack: in which of them it can be deployed or deleted, and what a person does about the others.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-resources-status-codes
"""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from .errors import DeployFailed, StillWorking
from .events import failures

REVIEW = "REVIEW_IN_PROGRESS"
"""A change set was made for a stack that does not exist: there are no resources yet."""

DELETED = "DELETE_COMPLETE"
IN_PROGRESS = "_IN_PROGRESS"
UPDATABLE = {
    f"{operation}_COMPLETE" for operation in ("CREATE", "UPDATE", "UPDATE_ROLLBACK", "IMPORT", "IMPORT_ROLLBACK")
}
PAUSE = 2.0
"""Seconds between two looks at a stack."""

LOOKS = 1800
"""An hour. The operation goes on after that; only the tool stops waiting."""

DESTROY = "`make destroy STAGE={stage}`"
ADVICE = {
    "ROLLBACK_COMPLETE": f"its creation failed and was undone, and such a stack can only be deleted. Run {DESTROY} "
    "(tables stay), then deploy again",
    "CREATE_FAILED": f"its creation failed, and such a stack can only be deleted. Run {DESTROY} (tables stay), "
    "then deploy again",
    "ROLLBACK_FAILED": "its creation failed, and CloudFormation could not delete all that it had made. "
    f"Remove the cause, run {DESTROY} (tables stay), then deploy again",
    "DELETE_FAILED": f"its deletion stopped halfway. Remove the cause, then run {DESTROY} again",
    "UPDATE_FAILED": "an update failed and was not undone. Run `aws cloudformation rollback-stack "
    "--stack-name {name}`, then deploy again",
    "UPDATE_ROLLBACK_FAILED": "an update failed, and CloudFormation could not undo it. Remove the cause, run "
    "`aws cloudformation continue-update-rollback --stack-name {name}` (with `--resources-to-skip` for what cannot be "
    "repaired), then deploy again",
    "IMPORT_ROLLBACK_FAILED": "an import failed, and CloudFormation could not undo it. AWS names no command that "
    "repairs this state: read `aws cloudformation describe-stack-events --stack-name {name}`, and ask AWS Support",
}
WAIT = "CloudFormation is still working on it. Wait until it has ended, then repeat the command"


def find_stack(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    """The description of a stack, by its name or id; None if there is no such stack."""
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def require_updatable(cloudformation: Any, stack: dict[str, Any]) -> None:
    """Raises DeployFailed with the status, what to do, and why the last operation failed."""
    if stack["StackStatus"] not in UPDATABLE:
        raise DeployFailed(explain(cloudformation, stack))


def require_deletable(cloudformation: Any, stack: dict[str, Any]) -> None:
    """Raises DeployFailed if CloudFormation works on the stack. A stack in any other status can be deleted."""
    if stack["StackStatus"].endswith(IN_PROGRESS) and stack["StackStatus"] != REVIEW:
        raise DeployFailed(explain(cloudformation, stack))


def explain(cloudformation: Any, stack: dict[str, Any]) -> str:
    name, status = stack["StackName"], stack["StackStatus"]
    advice = ADVICE.get(status, WAIT).format(name=name, stage=name.partition("-")[2])
    reasons = "" if status.endswith(IN_PROGRESS) else f". {failures(cloudformation, stack['StackId'])}"
    return f"{name} is in the status {status}: {advice}{reasons}"


def settle(cloudformation: Any, stack_id: str, pause: float = PAUSE) -> dict[str, Any]:
    """Wait until CloudFormation has ended its work on the stack; returns its description. Raises DeployFailed."""
    for _ in range(LOOKS):
        stack = find_stack(cloudformation, stack_id)
        if stack is None:
            return {"StackId": stack_id, "StackStatus": DELETED}
        if not stack["StackStatus"].endswith(IN_PROGRESS):
            return stack
        time.sleep(pause)
    raise StillWorking(f"{stack['StackName']} is in the status {stack['StackStatus']} after an hour. {WAIT}")
