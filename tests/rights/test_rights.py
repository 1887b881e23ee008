"""Least privilege on the stack with the real template: calls without a right are refused, and every right is used. The
tour uses every right, and no two statements give the same right: without any one of them a call is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from infra.deploy.options import HAS_INTERFACES
from infra.local.lambdas import invoke
from infra.local.stack import DevStack

from .trail import Right, deployed_policies, deployed_rights, read_trail, refusals

BY_AWS_ITSELF = {"logs:CreateLogStream", "logs:PutLogEvents", "iam:PassRole", "lambda:InvokeFunction"}
IN_A_NETWORK = set(HAS_INTERFACES["Action"])
"""Lambda's own calls too. They are in the roles of the local stack because MiniStack takes its condition for true: it
does not know Fn::Join there.
"""
POLLS = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
CONFIGURATION_SETS = ":configuration-set/"
"""Rights that only AWS checks. MiniStack makes these calls without a role, or does not know these resources, so no
local run needs them. tests/stack/test_template.py checks the role and the resource of each.
"""

OF_CALLBACKS = ("SendMessagesRole", "/receipts-secret")
"""Of the sender, for providers that report to an address in each post. The stack has the gateway of the contract.
tests/stack/test_template.py checks the role and the resource.
"""


def polled() -> set[tuple[str, str]]:
    """Roles, and the queues from which Lambda invokes their functions."""
    lambdas = boto3.client("lambda")
    roles = {one["FunctionArn"]: one["Role"].rpartition("/")[2] for one in lambdas.list_functions()["Functions"]}
    sources = lambdas.list_event_source_mappings()["EventSourceMappings"]
    return {(roles[source["FunctionArn"]], source["EventSourceArn"]) for source in sources}


@pytest.fixture(scope="module")
def rights(toured: DevStack) -> list[Right]:
    """The rights that MiniStack checks."""
    fed = polled()
    return [
        right
        for right in deployed_rights()
        if right.action not in BY_AWS_ITSELF | IN_A_NETWORK
        and CONFIGURATION_SETS not in right.resource
        and not (OF_CALLBACKS[0] in right.role and right.resource.endswith(OF_CALLBACKS[1]))
        and not (right.action in POLLS and (right.role, right.resource) in fed)
    ]


def test_no_call_of_the_service_is_refused(toured: DevStack) -> None:
    assert refusals(toured.iam_trail) == []


def test_every_right_is_used(toured: DevStack, rights: list[Right]) -> None:
    uses = read_trail(toured.iam_trail)
    unused = [str(right) for right in rights if not any(right.allows(use) for use in uses)]
    assert unused == [], "take it from the policy, or add a step to tour.py that needs it"


def test_no_right_is_given_twice(toured: DevStack, rights: list[Right]) -> None:
    """Otherwise one of the two statements could be removed without a refused call."""
    for use in read_trail(toured.iam_trail):
        assert len([right for right in rights if right.allows(use)]) <= 1, use


@contextmanager
def without_rights(function: str) -> Iterator[None]:
    """Leaves the function's role only the right to write its log, until the end of the block."""
    iam = boto3.client("iam")
    ((role, policy), statements), *others = [
        (names, found) for names, found in deployed_policies().items() if f"-{function}Role-" in names[0]
    ]
    assert not others

    def put(kept: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": kept})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    put([one for one in statements if one.get("Sid") == "WritesItsOwnLog"])
    try:
        yield
    finally:
        put(statements)


@pytest.mark.parametrize(
    ("function", "payload"),
    [
        ("ManageTokens", {"make": "shop"}),
        ("ManageUsers", {"make": "anna"}),
        ("RedriveDeadLetters", {}),
        ("StartImport", {"import": 1}),
        ("StartMailing", {"mailing": 1}),
        ("SendReport", {"date": "2026-11-01"}),
        ("CopyAudit", {}),
    ],
)
def test_a_function_without_its_rights_fails(toured: DevStack, function: str, payload: dict[str, str]) -> None:
    with without_rights(function):
        assert "errorMessage" in invoke(function, payload)
    assert "errorMessage" not in invoke(function, payload)
