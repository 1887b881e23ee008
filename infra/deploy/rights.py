"""The rights of the caller, looked up before a deploy. What seems to be missing is said; nothing is refused.

Without resources and conditions IAM simulates `*`, so a role that is narrowed to this stack would look as if it had no
rights. Here each statement of the published policies is simulated with the resources of this stack and the values of
its conditions. A role may still be narrowed in another way, and AWS itself decides in the end.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .checks import Account

POLICIES = Path(__file__).parent / "policies"
"""deployer.json: what this tool calls. cloudformation.json: what CloudFormation calls for the resources of the stack,
with the rights of the caller, or with those of a service role. options.json: the same for optional resources."""

STACKS = "notifications-*"
NAMED_AS_THE_STACK = ("stack/", "parameter/", "schedule-group/", "schedule/notifications", "dashboard/", "budget/")
"""Beginnings of resources whose name is that of the stack; other names only begin with it."""

SHOWN = 6
"""Missing rights that the note names; the others are counted."""


@dataclass(frozen=True)
class Question:
    """May these actions be called on these resources, with these values of condition keys?"""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: tuple[tuple[str, str], ...]


def rights_note(iam: Any, account: Account, stack_name: str, service_role: str = "") -> str | None:
    """What seems to be missing, or why it could not be looked up; None if nothing is missing. `iam`: a client of IAM.

    `service_role`: the ARN of the role that CloudFormation uses instead of the caller's rights; empty: none.
    """
    asked = [(account.arn, "deployer"), (service_role or account.arn, "cloudformation")]
    try:
        notes = [_note(iam, arn, questions(policy, account, stack_name)) for arn, policy in asked]
    except (BotoCoreError, ClientError) as error:
        return f"the rights could not be looked up before the deploy: {error}"
    return "\n".join(dict.fromkeys(note for note in notes if note)) or None


def questions(policy: str, account: Account, stack_name: str) -> Iterator[Question]:
    """One for each statement of the policy, with resources of this stack.

    Actions with a wildcard are left out: IAM would look for an action of this name, which a role may lack that allows
    each of those meant.
    """
    for statement in json.loads((POLICIES / f"{policy}.json").read_text())["Statement"]:
        resources = tuple(example(arn, account, stack_name) for arn in statement["Resource"])
        actions = tuple(action for action in statement["Action"] if "*" not in action)
        yield Question(actions, resources, tuple(_context(statement, account, stack_name)))


def example(pattern: str, account: Account, stack_name: str) -> str:
    """An ARN that the pattern matches and that this stack could have."""
    if pattern == "*":
        return pattern
    _, _, service, region, number, name = pattern.split(":", 5)
    own = stack_name if name.startswith(NAMED_AS_THE_STACK) else f"{stack_name}-x"
    name = name.replace(STACKS, own).replace("*", "x")
    region = account.region if region == "*" else region
    number = account.number if number == "*" else number
    return f"arn:{account.partition}:{service}:{region}:{number}:{name}"


def policy_source(iam: Any, arn: str) -> str:
    """The ARN whose policies count: for a session of a role, that role. Only IAM knows the path of a role, such as one
    of IAM Identity Center.
    """
    session = re.fullmatch(r"arn:([^:]+):sts::([0-9]+):assumed-role/([^/]+)/.*", arn)
    if session is None:
        return arn
    try:
        return str(iam.get_role(RoleName=session[3])["Role"]["Arn"])
    except ClientError:
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"


def _context(statement: Mapping[str, Any], account: Account, stack_name: str) -> Iterator[tuple[str, str]]:
    for values in statement.get("Condition", {}).values():
        for key, value in values.items():
            first = value if isinstance(value, str) else value[0]
            yield key, example(first, account, stack_name) if first.startswith("arn:") else first


def _note(iam: Any, arn: str, asked: Iterator[Question]) -> str | None:
    if arn.endswith(":root"):
        return None
    source = policy_source(iam, arn)
    missing = list(dict.fromkeys(right for question in asked for right in _denied(iam, source, question)))
    if not missing:
        return None
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return (
        f"WARNING: {arn} seems to lack rights that a deploy uses: {'; '.join(missing[:SHOWN])}{more}. "
        f"The deploy goes on. infra/deploy/policies has all of them, see docs/DEPLOY.md"
    )


def _denied(iam: Any, source: str, question: Question) -> Iterator[str]:
    """The actions that are denied for certain: an answer that depends on an unknown condition is left out."""
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=source,
        ActionNames=list(question.actions),
        ResourceArns=list(question.resources),
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in question.context
        ],
    )
    for result in (result for page in pages for result in page["EvaluationResults"]):
        for answer in result.get("ResourceSpecificResults") or [result]:
            decision = answer.get("EvalResourceDecision") or answer["EvalDecision"]
            if decision != "allowed" and not answer.get("MissingContextValues"):
                resource = answer.get("EvalResourceName", "*")
                yield f"{result['EvalActionName']} on {resource}"
