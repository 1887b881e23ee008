"""The bucket with the code and the template of one stack. CloudFormation runs what it finds here with rights to IAM.

Names of buckets are global, and this one can be guessed, so a stranger may own a bucket of this name. Every call
therefore names the expected owner, and S3 refuses it for any other. The template is fetched after an upload that was
accepted on this condition.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from .errors import DeployFailed

FUNCTION = "AWS::Serverless::Function"
NOT_FOUND = {"404", "NoSuchBucket"}
STATE = "state"
SUPERSEDED = "superseded"
DAYS = 30
"""Days after its upload that an object is kept at least. What the stack uses now is kept without limit: an update that
fails is rolled back to it."""


@dataclass(frozen=True)
class CodeBucket:
    """`owner` is the number of the account."""

    name: str
    owner: str
    region: str
    s3: Any = field(repr=False)


def code_bucket(stack_name: str) -> CodeBucket:
    """The bucket of this stack in the account and region of the caller; it may not exist yet.

    A stage of 16 characters and a region of 14 make a name of 63 characters, the most that S3 allows.
    """
    s3 = boto3.client("s3")
    owner = boto3.client("sts").get_caller_identity()["Account"]
    region = s3.meta.region_name
    return CodeBucket(f"{stack_name}-code-{owner}-{region}", owner, region, s3)


def upload(out: Path, template: dict[str, Any], bucket: CodeBucket) -> str:
    """Upload code and template under their hashes; returns the URL of the template."""
    make_bucket(bucket)
    code_key = put(bucket, (out / "deployment.zip").read_bytes(), "zip")
    for resource in template["Resources"].values():
        if resource["Type"] == FUNCTION:
            resource["Properties"]["CodeUri"] = f"s3://{bucket.name}/{code_key}"
    return upload_template(template, bucket)


def upload_template(template: Mapping[str, Any], bucket: CodeBucket) -> str:
    """Returns its URL, at the endpoint of the region.

    The global endpoint leads neither to regions that AWS opened since March 2019 nor at once to a new bucket.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/UsingRouting.html
    """
    template_key = put(bucket, json.dumps(template).encode(), "json")
    return f"{bucket.s3.meta.endpoint_url.rstrip('/')}/{bucket.name}/{template_key}"


def put(bucket: CodeBucket, body: bytes, ending: str) -> str:
    key = f"{hashlib.sha256(body).hexdigest()}.{ending}"
    bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=body, ExpectedBucketOwner=bucket.owner)
    return key


def make_bucket(bucket: CodeBucket) -> None:
    """Create the bucket unless it exists, and set what protects it. New buckets are encrypted by S3 itself."""
    if not exists(bucket):
        location: Any = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
        _create(bucket, {} if bucket.region == "us-east-1" else location)
    place = {"Bucket": bucket.name, "ExpectedBucketOwner": bucket.owner}
    blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    bucket.s3.put_public_access_block(**place, PublicAccessBlockConfiguration=blocked)
    if bucket.s3.meta.endpoint_url.startswith("https:"):  # the policy would lock out the callers of an emulator
        bucket.s3.put_bucket_policy(**place, Policy=json.dumps(tls_only(bucket)))
    bucket.s3.put_bucket_lifecycle_configuration(**place, LifecycleConfiguration={"Rules": lifecycle()})


def _create(bucket: CodeBucket, location: dict[str, Any]) -> None:
    try:
        bucket.s3.create_bucket(Bucket=bucket.name, **location)
    except ClientError as error:
        if error.response["Error"]["Code"] != "OperationAborted":
            raise
        raise DeployFailed(
            f"S3 has not finished the deletion of the bucket {bucket.name}: repeat the command in some minutes"
        ) from error


def exists(bucket: CodeBucket) -> bool:
    """Raises DeployFailed if the bucket belongs to another account, or may not be used."""
    try:
        bucket.s3.head_bucket(Bucket=bucket.name, ExpectedBucketOwner=bucket.owner)
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return False
        raise DeployFailed(
            f"the bucket {bucket.name} cannot be used: it belongs to another account, or your rights do not cover it "
            f"({error}). Nothing was uploaded. If it is not yours, deploy under another name of the stage"
        ) from error
    return True


def tls_only(bucket: CodeBucket) -> dict[str, Any]:
    arn = f"arn:{bucket.s3.meta.partition}:s3:::{bucket.name}"
    deny = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [deny]}


def lifecycle() -> list[dict[str, Any]]:
    superseded = {"Tag": {"Key": STATE, "Value": SUPERSEDED}}
    return [
        {"ID": "superseded", "Status": "Enabled", "Filter": superseded, "Expiration": {"Days": DAYS}},
        {
            "ID": "unfinished-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]


def supersede(bucket: CodeBucket, template_url: str, template: Mapping[str, Any]) -> None:
    """Mark what a successful deploy no longer uses; the lifecycle of the bucket deletes it."""
    uris = [one["Properties"]["CodeUri"] for one in template["Resources"].values() if one["Type"] == FUNCTION]
    used = {address.rpartition("/")[2] for address in (template_url, *uris)}
    place = {"Bucket": bucket.name, "ExpectedBucketOwner": bucket.owner}
    tags = {"TagSet": [{"Key": STATE, "Value": SUPERSEDED}]}
    for key in set(keys(bucket)) - used:
        bucket.s3.put_object_tagging(**place, Key=key, Tagging=tags)


def keys(bucket: CodeBucket) -> list[str]:
    pages = bucket.s3.get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=bucket.name, ExpectedBucketOwner=bucket.owner)
    return [item["Key"] for page in found for item in page.get("Contents", [])]


def empty(bucket: CodeBucket) -> bool:
    """Delete all objects; returns False if there is no such bucket."""
    place = {"Bucket": bucket.name, "ExpectedBucketOwner": bucket.owner}
    try:
        for page in bucket.s3.get_paginator("list_objects_v2").paginate(**place):
            if found := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                bucket.s3.delete_objects(**place, Delete={"Objects": found, "Quiet": True})
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return False
        raise
    return True


def delete_bucket(bucket: CodeBucket) -> None:
    if empty(bucket):
        bucket.s3.delete_bucket(Bucket=bucket.name, ExpectedBucketOwner=bucket.owner)
