"""The bucket of code and templates belongs to the account, or it is not used."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.deploy import DeployFailed
from infra.deploy.checks import LONGEST_STAGE, stack_name_of
from infra.deploy.code_bucket import CodeBucket, code_bucket, delete_bucket, keys, lifecycle, put, supersede, upload
from infra.deploy.destroy import destroy
from infra.deploy.stack import change_stack

from .conftest import STACK_NAME, Cloud, packaged_template

LONGEST_REGION = 14
LONGEST_BUCKET = 63


def test_every_call_names_the_expected_owner(cloud: Cloud) -> None:
    deployment = cloud.deployment()
    change_stack(deployment)
    supersede(code_bucket(STACK_NAME), deployment.url, deployment.template)
    destroy(STACK_NAME, with_tables=True)
    calls = [(name, asked) for name, asked in cloud.calls if name.startswith("s3.") and "code" in asked["Bucket"]]
    ours = [(name, asked) for name, asked in calls if name not in ("s3.CreateBucket", "s3.GetObject")]
    assert {name.partition(".")[2] for name, _ in ours} >= {
        "HeadBucket",
        "PutPublicAccessBlock",
        "PutBucketPolicy",
        "PutBucketLifecycleConfiguration",
        "PutObject",
        "ListObjectsV2",
        "DeleteObjects",
        "DeleteBucket",
    }
    assert {asked.get("ExpectedBucketOwner") for _, asked in ours} == {"123456789012"}


def test_a_bucket_of_another_account_is_not_used(cloud: Cloud) -> None:
    bucket = bucket_of_a_stranger(cloud)
    with pytest.raises(DeployFailed, match=r"belongs to another account.*Nothing was uploaded"):
        cloud.deployment()
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)


def test_a_bucket_that_appears_after_the_look_is_not_used_either(cloud: Cloud) -> None:
    """Between two calls a stranger may take the name, so each call has the condition."""
    bucket = bucket_of_a_stranger(cloud)
    for call in (lambda: put(bucket, b"", "zip"), lambda: keys(bucket), lambda: delete_bucket(bucket)):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def bucket_of_a_stranger(cloud: Cloud) -> CodeBucket:
    bucket = code_bucket(STACK_NAME)
    bucket.s3.create_bucket(Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": bucket.region})
    cloud.strangers.add(bucket.name)
    return bucket


def test_one_name_of_a_stage_works_in_two_regions(aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = set()
    for region in ("eu-west-1", "us-east-1"):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        boto3.DEFAULT_SESSION = None
        names.add(code_bucket(STACK_NAME).name)
    assert names == {f"{STACK_NAME}-code-123456789012-{region}" for region in ("eu-west-1", "us-east-1")}


def test_the_longest_name_of_a_stage_and_region_is_a_name_of_a_bucket(aws: None) -> None:
    name = code_bucket(stack_name_of("a" * LONGEST_STAGE)).name
    assert len(name) - len("eu-west-1") + LONGEST_REGION == LONGEST_BUCKET


def test_the_bucket_refuses_requests_without_tls_and_is_not_public(cloud: Cloud) -> None:
    cloud.deployment()
    (asked,) = cloud.asked("s3.PutBucketPolicy")
    (statement,) = json.loads(asked["Policy"])["Statement"]
    arn = f"arn:aws:s3:::{asked['Bucket']}"
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [arn, f"{arn}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    (blocked,) = cloud.asked("s3.PutPublicAccessBlock")
    assert set(blocked["PublicAccessBlockConfiguration"].values()) == {True}


def test_the_template_is_fetched_at_the_endpoint_of_the_region(cloud: Cloud) -> None:
    """The global endpoint answers 400 for a bucket in a region such as me-central-1, and redirects for a new bucket."""
    url = cloud.deployment().url
    assert url.rpartition("/")[0] == f"https://s3.eu-west-1.amazonaws.com/{code_bucket(STACK_NAME).name}"


def test_what_a_stack_uses_is_kept_and_what_it_no_longer_uses_is_deleted_later(cloud: Cloud) -> None:
    """An update that fails is rolled back to the code of the deploy before, however old it is."""
    first = cloud.deployment(DeletionProtection="false")
    change_stack(first)
    cloud.change_code()
    second = cloud.deployment()
    change_stack(second)
    bucket = code_bucket(STACK_NAME)
    supersede(bucket, second.url, second.template)
    old = {key for key in keys(bucket) if tags(bucket, key) == [{"Key": "state", "Value": "superseded"}]}
    used = {address.rpartition("/")[2] for address in (second.url, code_of(second.template))}
    assert old == {address.rpartition("/")[2] for address in (first.url, code_of(first.template))}
    assert set(keys(bucket)) == old | used
    (rule, _) = lifecycle()
    assert rule["Filter"] == {"Tag": {"Key": "state", "Value": "superseded"}}
    cloud.deployment()
    assert all(tags(bucket, key) == [] for key in used), "an upload of the same content is used again"


def tags(bucket: CodeBucket, key: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = bucket.s3.get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
    return found


def code_of(template: object) -> str:
    return str(template["Resources"]["SendMessages"]["Properties"]["CodeUri"])  # type: ignore[index]


def test_a_stage_that_keeps_its_tables_keeps_the_name_of_its_bucket(cloud: Cloud) -> None:
    """A stranger could take a name that is free, and S3 refuses a deleted one for a while."""
    cloud.deployment()
    destroy(STACK_NAME, with_tables=False)
    assert keys(code_bucket(STACK_NAME)) == []


def test_a_bucket_that_s3_still_deletes_is_named(cloud: Cloud) -> None:
    def still_deletes(**_: Any) -> tuple[Any, dict[str, Any]]:
        return SimpleNamespace(status_code=409), {"Error": {"Code": "OperationAborted", "Message": "conflicting"}}

    boto3.DEFAULT_SESSION.events.register("before-call.s3.CreateBucket", still_deletes)
    with pytest.raises(DeployFailed, match="repeat the command in some minutes"):
        cloud.deployment()


def test_a_destroy_empties_no_bucket_of_another_stage(cloud: Cloud) -> None:
    cloud.deployment()
    other = code_bucket(f"{STACK_NAME}-2")
    upload(cloud.folder, packaged_template(), other)
    destroy(STACK_NAME, with_tables=True)
    assert len(keys(other)) == 2
    buckets = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
    assert buckets == [other.name]
