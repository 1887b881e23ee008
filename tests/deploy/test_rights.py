"""The rights of a deploy are looked up with the resources of the stack. What seems to be missing is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from infra.deploy.checks import LONGEST_STAGE, Account
from infra.deploy.rights import POLICIES, example, policy_source, rights_note

STACK = "notifications-prod"
DEPLOYER = Account("123456789012", "arn:aws:sts::123456789012:assumed-role/deployer/anna", "eu-west-1")
ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class FakeIam:
    """Simulates as AWS does: the given resources and conditions, or `*` and no conditions.

    `roles`: the policy documents of each role, by its name.
    """

    def __init__(self, roles: dict[str, list[dict[str, Any]]], path: str = "/") -> None:
        self.roles = roles
        self.path = path

    def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role{self.path}{RoleName}"}}

    def get_paginator(self, name: str) -> FakeIam:
        assert name == "simulate_principal_policy"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """One page for each action, so that a reader of the first page only is found out."""
        assert not [action for action in asked["ActionNames"] if "*" in action], "IAM simulates actions, not patterns"
        for action in asked["ActionNames"]:
            yield {"EvaluationResults": [self._result(action, asked)]}

    def _result(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        context = {one["ContextKeyName"].lower(): one["ContextKeyValues"][0] for one in asked.get("ContextEntries", [])}
        documents = self.roles[asked["PolicySourceArn"].rpartition("/")[2]]
        answers = [
            self._answer(action, resource, context, documents) for resource in asked.get("ResourceArns") or ["*"]
        ]
        return {"EvalActionName": action, "EvalDecision": "implicitDeny", "ResourceSpecificResults": answers}

    def _answer(
        self, action: str, resource: str, context: dict[str, Any], documents: list[dict[str, Any]]
    ) -> dict[str, Any]:
        request = EvalContext("role", "AssumedRole", "123456789012", action, resource, "eu-west-1")
        request.service_context = context
        decision = evaluate(request, [parse_policy_document(document) for document in documents]).decision
        allowed = "allowed" if decision == "Allow" else "implicitDeny"
        return {"EvalResourceName": resource, "EvalResourceDecision": allowed, "MissingContextValues": []}


def published(*names: str) -> list[dict[str, Any]]:
    return [json.loads((POLICIES / f"{name}.json").read_text()) for name in names]


def test_a_role_with_the_published_policies_lacks_nothing() -> None:
    """Such a role is narrowed to stacks of this service: simulated on `*` it would look as if it had no rights."""
    iam = FakeIam({"deployer": published("deployer", "cloudformation")})
    assert rights_note(iam, DEPLOYER, STACK) is None


def test_a_role_that_is_narrowed_to_one_stage_lacks_nothing() -> None:
    """notifications-prod-2 is another stage; its stack, secrets and schedules are those of another name."""
    text = json.dumps(published("deployer", "cloudformation")).replace("notifications-*", "notifications-prod-*")
    for kind in ("stack/", "parameter/", "schedule-group/", "schedule/", "dashboard/"):
        text = text.replace(f"{kind}notifications-prod-*", f"{kind}notifications-prod")
    assert rights_note(FakeIam({"deployer": json.loads(text)}), DEPLOYER, STACK) is None


def test_the_topic_of_inbound_messages_may_have_any_name() -> None:
    """It is made for AWS End User Messaging, before the stack: INBOUND_TOPIC."""
    iam = FakeIam({"deployer": published("cloudformation", "options")})
    (page,) = iam.paginate(
        PolicySourceArn="role/deployer",
        ActionNames=["sns:Subscribe"],
        ResourceArns=["arn:aws:sns:eu-west-1:123456789012:two-way-sms"],
    )
    assert page["EvaluationResults"][0]["ResourceSpecificResults"][0]["EvalResourceDecision"] == "allowed"


def test_an_administrator_lacks_nothing() -> None:
    assert rights_note(FakeIam({"deployer": [ADMINISTRATOR]}), DEPLOYER, STACK) is None


def test_missing_rights_are_named_with_their_resources_and_the_deploy_goes_on() -> None:
    iam = FakeIam({"deployer": published("deployer")})
    note = rights_note(iam, DEPLOYER, STACK)
    assert note
    assert "dynamodb:CreateTable on arn:aws:dynamodb:eu-west-1:123456789012:table/notifications-prod-x" in note
    assert note.endswith("docs/DEPLOY.md")
    assert "The deploy goes on" in note
    assert len(note) < 1200, "the first ones are named, the others counted"


def test_with_a_role_of_cloudformation_the_caller_needs_only_the_rights_of_the_tool() -> None:
    iam = FakeIam({"deployer": published("deployer"), "notifications-cloudformation": published("cloudformation")})
    role = "arn:aws:iam::123456789012:role/notifications-cloudformation"
    assert rights_note(iam, DEPLOYER, STACK, role) is None
    bare = FakeIam({"deployer": published("deployer"), "notifications-cloudformation": []})
    assert role in (rights_note(bare, DEPLOYER, STACK, role) or "")


def test_a_caller_without_the_right_to_look_is_told_so() -> None:
    class Closed(FakeIam):
        def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SimulatePrincipalPolicy")

    assert "could not be looked up" in (rights_note(Closed({"deployer": []}), DEPLOYER, STACK) or "")


def test_an_answer_that_depends_on_an_unknown_condition_is_no_missing_right() -> None:
    class Unsure(FakeIam):
        def _answer(self, *asked: Any) -> dict[str, Any]:
            return {**super()._answer(*asked), "MissingContextValues": ["aws:SourceVpc"]}

    assert rights_note(Unsure({"deployer": []}), DEPLOYER, STACK) is None


def test_the_rights_of_a_root_user_are_not_looked_up() -> None:
    assert rights_note(None, Account("1", "arn:aws:iam::1:root", "eu-west-1"), STACK) is None


@pytest.mark.parametrize(
    ("arn", "source"),
    [
        ("arn:aws:sts::123456789012:assumed-role/deployer/anna", "arn:aws:iam::123456789012:role/team/deployer"),
        ("arn:aws:iam::123456789012:user/anna", "arn:aws:iam::123456789012:user/anna"),
    ],
)
def test_a_session_has_the_rights_of_its_role_whose_path_only_iam_knows(arn: str, source: str) -> None:
    assert policy_source(FakeIam({}, "/team/"), arn) == source


def test_a_role_that_cannot_be_read_is_looked_up_without_a_path() -> None:
    class Closed(FakeIam):
        def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetRole")

    assert policy_source(Closed({}), DEPLOYER.arn) == "arn:aws:iam::123456789012:role/deployer"
    elsewhere = "arn:aws-cn:sts::1:assumed-role/deployer/anna"
    assert policy_source(Closed({}), elsewhere) == "arn:aws-cn:iam::1:role/deployer"


def test_the_resources_are_those_of_the_stack_the_region_and_the_partition() -> None:
    china = Account("1", "arn:aws-cn:iam::1:user/anna", "cn-north-1")
    queue = example("arn:aws:sqs:*:*:notifications-*", china, STACK)
    assert queue == "arn:aws-cn:sqs:cn-north-1:1:notifications-prod-x"


@pytest.mark.parametrize("policy", ["deployer", "cloudformation", "options"])
def test_a_policy_fits_into_a_managed_policy_also_when_it_is_restricted_as_the_docs_say(policy: str) -> None:
    """To the stage with the longest name, in the partition with the longest one.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    (document,) = published(policy)
    text = json.dumps(document, separators=(",", ":"))
    text = text.replace("notifications-", f"notifications-{'x' * LONGEST_STAGE}").replace("arn:aws:", "arn:aws-us-gov:")
    assert len(text) <= 6144
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
