"""infra/deploy/policies has the rights that CloudFormation needs for every type of resource in the template.

cloudformation_calls.json has the rights by type. Those of types with a schema in CloudFormation's registry are the
`permissions` of its handlers (create, read, update, delete), as LocalStack 4.13 packages these schemas; the others are
the calls that create, read, change and delete such a resource, by the Service Authorization Reference. No real
account has confirmed either of them yet.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.rights import POLICIES

CALLS: dict[str, list[str]] = json.loads((Path(__file__).parent / "cloudformation_calls.json").read_text())
OF_OTHER_FEATURES = {
    "an import of a table from S3": ("dynamodb:*Import*", "logs:*LogStream*", "logs:PutLogEvents"),
    "a stream of a table's changes": ("dynamodb:*KinesisStreamingDestination", "kinesis:*"),
    "listing and revoking grants of a key": ("kms:Describe[*]", "kms:Get[*]", "kms:List[*]", "kms:RevokeGrant"),
    "managed policies of a role": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
    "a file system of a function": ("elasticfilesystem:*",),
    "signed code, layers and capacity of functions": (
        "lambda:*CodeSigningConfig",
        "lambda:GetLayerVersion",
        "lambda:PassCapacityProvider",
        "lambda:PutFunctionScalingConfig",
    ),
    "versions of objects in the code bucket": ("s3:GetObjectVersion", "s3:GetObjectMetadata"),
    "delivery and data protection of logs": (
        "firehose:*",
        "logs:CreateLogDelivery",
        "logs:*DataProtectionPolicy",
        "logs:*ResourcePolic*",
        "s3:REST.PUT.OBJECT",
        "sns:PutDataProtectionPolicy",
    ),
    "settings of buckets that the imports bucket does not have": (
        "s3:DeleteBucket?*",
        "s3:DeleteObject",
        "s3:Put*Configuration",
        "s3:PutBucket[ACLNRVW]*",
        "s3:PutBucketIntelligentTieringConfiguration",
        "s3:PutObjectAcl",
        "S3:GetBucketWebsite",
    ),
}
"""Rights in the schemas that the template does not need, by the feature that needs them."""

EVERY_METHOD = [f"apigateway:{method}" for method in ("GET", "POST", "PUT", "PATCH", "DELETE")]


def allowed_actions() -> list[str]:
    documents = [json.loads((POLICIES / f"{name}.json").read_text()) for name in ("cloudformation", "options")]
    return [action for document in documents for one in document["Statement"] for action in one["Action"]]


def needed(kind: str) -> list[str]:
    calls = [EVERY_METHOD if call == "apigateway:*" else [call] for call in CALLS[kind]]
    return [call for some in calls for call in some]


@pytest.mark.parametrize("kind", sorted(CALLS))
def test_cloudformation_may_do_all_that_a_type_of_resource_needs(kind: str) -> None:
    given = allowed_actions()
    others = [pattern for patterns in OF_OTHER_FEATURES.values() for pattern in patterns]
    assert [
        call
        for call in needed(kind)
        if not any(fnmatchcase(call, right) for right in given)
        and not any(fnmatchcase(call, pattern) for pattern in others)
    ] == []


def test_the_rights_of_every_type_in_the_template_are_known(resources: dict[str, Any]) -> None:
    assert {one["Type"] for one in resources.values()} <= set(CALLS)


def test_no_right_is_given_only_because_of_a_feature_that_is_not_used() -> None:
    used = {call for kind in CALLS for call in needed(kind)}
    patterns = [pattern for some in OF_OTHER_FEATURES.values() for pattern in some]
    assert [pattern for pattern in patterns if not any(fnmatchcase(call, pattern) for call in used)] == []


def test_the_deployer_may_make_every_call_of_cloudformation_that_a_deploy_makes() -> None:
    """A rehearsal is run by an administrator."""
    files = [file for file in POLICIES.parent.glob("*.py") if file.name != "rehearsal.py"]
    text = "\n".join(file.read_text() for file in files)
    made = set(re.findall(r"cloudformation\.([a-z_]+)\(", text)) - {"get_paginator"}
    made |= set(re.findall(r'cloudformation\.get_paginator\("([a-z_]+)', text))
    calls = {f"cloudformation:{name.title().replace('_', '')}" for name in made}
    document = json.loads((POLICIES / "deployer.json").read_text())
    assert "cloudformation:DescribeStackEvents" in calls
    assert calls - {action for one in document["Statement"] for action in one["Action"]} == set()


@pytest.mark.parametrize("policy", ["deployer", "cloudformation", "options"])
def test_rights_on_all_resources_only_read_or_have_a_condition(policy: str) -> None:
    reads = ("Get", "List", "Describe", "View")
    tags_of_event_sources = "lambda:TagResource"
    for statement in json.loads((POLICIES / f"{policy}.json").read_text())["Statement"]:
        if "*" in statement["Resource"] and "Condition" not in statement:
            for action in statement["Action"]:
                assert action.partition(":")[2].startswith(reads) or action == tags_of_event_sources, action


def test_the_deployer_of_github_encrypts_secrets_with_a_key_of_ones_own_and_uses_it_for_nothing_else() -> None:
    """SSM encrypts a secret with the rights of its caller, not with those of CloudFormation's role."""
    template = json.loads((POLICIES.parents[1] / "examples" / "github-oidc.json").read_text())
    policies = template["Resources"]["Deployer"]["Properties"]["Policies"]
    (statement,) = (one for policy in policies for one in policy["PolicyDocument"]["Statement"] if "kms" in str(one))
    assert statement["Action"] == ["kms:Decrypt", "kms:Encrypt"]
    (options,) = (
        one for one in json.loads((POLICIES / "options.json").read_text())["Statement"] if one["Sid"] == "Key"
    )
    assert statement["Condition"] == {**options["Condition"], "StringLike": {"kms:ViaService": "ssm.*"}}
