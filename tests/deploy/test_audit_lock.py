"""What a deploy says about the bucket of the copied audit."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from infra.deploy.audit_lock import lock_notes
from infra.deploy.checks import Account

ACCOUNT = Account("123456789012", "arn:aws:iam::123456789012:user/anna", "eu-west-1")
BUCKET = {"AuditBucket": "records"}


@pytest.fixture
def s3(aws: None) -> Any:
    return boto3.client("s3")


def make_bucket(s3: Any, locked: bool = True, **retention: object) -> None:
    place = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="records", CreateBucketConfiguration=place, ObjectLockEnabledForBucket=locked)
    if retention:
        rule = {"Rule": {"DefaultRetention": retention}}
        lock = {"ObjectLockEnabled": "Enabled", **rule}
        s3.put_object_lock_configuration(Bucket="records", ObjectLockConfiguration=lock)


def test_without_a_bucket_nothing_is_asked() -> None:
    assert lock_notes(None, ACCOUNT, {}) == []


@pytest.mark.parametrize(
    ("retention", "period"), [({"Days": 1}, "1 day"), ({"Days": 400}, "400 days"), ({"Years": 7}, "7 years")]
)
def test_the_time_for_which_copies_are_locked_is_said(s3: Any, retention: dict[str, int], period: str) -> None:
    make_bucket(s3, Mode="COMPLIANCE", **retention)
    (note,) = lock_notes(s3, ACCOUNT, BUCKET)
    assert note.endswith(f"for {period} (COMPLIANCE)")


def test_a_bucket_without_a_lock_gets_a_warning(s3: Any) -> None:
    make_bucket(s3, locked=False)
    (note,) = lock_notes(s3, ACCOUNT, BUCKET)
    assert note.startswith("WARNING: the bucket records has no Object Lock")


def test_a_bucket_without_a_default_retention_gets_a_warning(s3: Any) -> None:
    make_bucket(s3)
    (note,) = lock_notes(s3, ACCOUNT, BUCKET)
    assert note.startswith("WARNING: the bucket records has no default retention")


def test_a_bucket_that_does_not_exist_gets_a_warning(s3: Any) -> None:
    (note,) = lock_notes(s3, ACCOUNT, BUCKET)
    assert note.startswith("WARNING: the bucket records does not exist")


def test_a_bucket_that_cannot_be_read_is_named(s3: Any) -> None:
    def refuse(**_: Any) -> None:
        raise s3.exceptions.ClientError(
            {"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObjectLockConfiguration"
        )

    s3.meta.events.register("before-call.s3.GetObjectLockConfiguration", refuse)
    (note,) = lock_notes(s3, ACCOUNT, BUCKET | {"AuditBucketOwner": "210987654321"})
    assert note.startswith("whether the bucket records locks its objects could not be read")
