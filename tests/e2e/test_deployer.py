"""A deploy and a deletion by a user who has only the published policies. MiniStack decides about the tool's own calls;
the calls of CloudFormation for the resources are compared with the policies in tests/stack/test_deploy_policies.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest

from infra.deploy import ROOT
from infra.deploy.rights import POLICIES
from infra.local.stack import DevStack
from tests.rights.trail import read_trail

from .pages import Bash, run_page

PAGE = (ROOT / "docs" / "RESTORE.md").read_text()
USER = "deployer"
OPTIONS = {
    "STACK_TAGS": "team=sms",
    "EXTRA_TEMPLATE": "infra/examples/extra.json",
    "SWEEP_MEMORY": "640",
    "API_ALLOWED_CIDRS": "127.0.0.0/8",
    "ACCESS_LOGS": "true",
    "API_DOMAIN": "sms.example.com",
    "API_CERTIFICATE_ARN": "arn:aws:acm:us-east-1:000000000000:certificate/1",
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/1",
    "PERMISSIONS_BOUNDARY": "arn:aws:iam::000000000000:policy/limit",
    "GATEWAY_SUBNETS": "subnet-0a1b,subnet-0c2d",
    "GATEWAY_SECURITY_GROUPS": "sg-0a1b",
}
"""Without API_WEB_ACL_ARN: MiniStack 1.5 knows no AWS::WAFv2::WebACLAssociation."""

ONLY_FOR_MINISTACK = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["lambda:UpdateEventSourceMapping", "cloudformation:*ChangeSet",
    "iam:SimulatePrincipalPolicy", "ssm:DeleteParameters",
    "dynamodb:ListTagsOfResource", "dynamodb:TagResource"], "Resource": "*"}]}"""
"""The tool updates event sources only there, and MiniStack does not know their condition key. The others are calls for
which MiniStack decides about `*` instead of their resource.
"""


@pytest.fixture
def deployer(stack: DevStack) -> Iterator[dict[str, str]]:
    """The credentials of a user with the policies of a deploy, as environment variables."""
    iam = boto3.client("iam")
    iam.create_user(UserName=USER)
    documents = {name: (POLICIES / f"{name}.json").read_text() for name in ("deployer", "cloudformation", "options")}
    documents["ministack"] = ONLY_FOR_MINISTACK
    for name, document in documents.items():
        iam.put_user_policy(UserName=USER, PolicyName=name, PolicyDocument=document)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    for name in documents:
        iam.delete_user_policy(UserName=USER, PolicyName=name)
    iam.delete_user(UserName=USER)


@pytest.fixture
def bash() -> Iterator[Bash]:
    bash = Bash(ROOT)
    yield bash
    bash.close()


def run(arguments: str, environment: dict[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.deploy", *arguments.split()],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def audit_bucket() -> str:
    """The bucket of the example, made by somebody else. MiniStack's CloudFormation makes it without the lock."""
    cloudformation = boto3.client("cloudformation")
    template = (ROOT / "infra" / "examples" / "audit-bucket.json").read_text()
    days = [{"ParameterKey": "RetentionDays", "ParameterValue": "30"}]
    cloudformation.create_stack(StackName="audit-bucket", TemplateBody=template, Parameters=days)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="audit-bucket")
    (output,) = cloudformation.describe_stacks(StackName="audit-bucket")["Stacks"][0]["Outputs"]
    return str(output["OutputValue"])


def has_copy_of_the_audit() -> bool:
    resources = boto3.client("cloudformation").describe_stack_resources(StackName="notifications-narrow")
    return any(one["LogicalResourceId"].startswith("CopyAudit") for one in resources["StackResources"])


def test_a_user_with_the_published_policies_can_deploy_restore_and_delete(
    stack: DevStack, deployer: dict[str, str], bash: Bash
) -> None:
    """In between, the drill of docs/RESTORE.md is done on this stage, command by command."""
    gateway = {"GATEWAY_URL": "https://sms.example.com", "GATEWAY_TOKEN": "a-secret"}
    first = run("deploy --stage narrow", {**deployer, **gateway})
    assert first.returncode == 0, first.stderr
    assert not has_copy_of_the_audit()
    bucket = audit_bucket()
    again = run("deploy --stage narrow", {**deployer, **OPTIONS, "AUDIT_BUCKET": bucket})
    assert again.returncode == 0, again.stderr
    assert has_copy_of_the_audit()
    assert f"the bucket {bucket} has no Object Lock" in again.stdout
    sweep = boto3.client("cloudformation").describe_stack_resource(
        StackName="notifications-narrow", LogicalResourceId="Sweep"
    )["StackResourceDetail"]["PhysicalResourceId"]
    assert boto3.client("lambda").get_function_configuration(FunctionName=sweep)["MemorySize"] == 640
    run_page(PAGE, bash, {r"STAGE=drill": "STAGE=narrow", r"\.venv/": f"{ROOT}/.venv/"})
    down = run("destroy --stage narrow --delete-tables", deployer, "notifications-narrow\n")
    assert down.returncode == 0, down.stderr
    calls = [use for use in read_trail(stack.iam_trail) if use.who.endswith(f":user/{USER}")]
    assert len({use.action for use in calls}) > 15, "MiniStack decides about the calls of this user"
    assert [use for use in calls if not use.allowed] == []
