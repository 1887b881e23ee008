"""The bucket of the copied audit: an object is written once, with what S3 asks for where objects are locked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters import aws
from chalicelib.adapters.audit_bucket import AuditBucket
from infra.local.doubles.aws import forget_connections
from infra.local.doubles.fake_access import FakeAuditBucket
from infra.local.in_process import State, ministack_in_process

OWNER = "000000000000"
FIRST = b'{"number": 1}'


class Stored(AuditBucket):
    def __init__(self) -> None:
        super().__init__("records", OWNER)
        aws.client("s3").create_bucket(Bucket="records", ObjectLockEnabledForBucket=True)

    @property
    def objects(self) -> dict[str, bytes]:
        s3 = aws.client("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket="records")["Contents"]]
        return {key: s3.get_object(Bucket="records", Key=key)["Body"].read() for key in keys}


@pytest.fixture(params=["fake", "aws"])
def bucket(request: pytest.FixtureRequest, new_stack: State) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeAuditBucket()
        return
    with ministack_in_process(new_stack):
        yield Stored()


def test_an_object_stays_as_it_was_first_written(bucket: Any) -> None:
    bucket.add("stack/2026-11-23/1.json", FIRST)
    bucket.add("stack/2026-11-23/1.json", b"another")
    assert bucket.objects == {"stack/2026-11-23/1.json": FIRST}


def test_what_s3_refuses_is_raised(new_stack: State) -> None:
    with ministack_in_process(new_stack), pytest.raises(ClientError, match="NoSuchBucket"):
        AuditBucket("absent", OWNER).add("stack/2026-11-23/1.json", FIRST)


def test_an_object_has_a_checksum_and_its_bucket_the_expected_owner(new_stack: State) -> None:
    """As headers: S3 documents both of them for a bucket that locks its objects."""
    sent: list[Any] = []
    with ministack_in_process(new_stack):
        bucket = Stored()
        aws.client("s3").meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))
        bucket.add("stack/2026-11-23/1.json", FIRST)
    headers = {name.lower(): _text(value) for name, value in sent[0].headers.items()}
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(FIRST).digest()).decode()
    assert headers["x-amz-sdk-checksum-algorithm"] == "SHA256"
    assert headers["if-none-match"] == "*"
    assert headers["x-amz-expected-bucket-owner"] == OWNER


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_a_bucket_that_locks_its_objects_accepts_them() -> None:
    """moto refuses an object without a checksum there, as AWS does."""
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}
    forget_connections()
    with mock_aws():
        bucket, s3 = Stored(), aws.client("s3")
        locked = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        s3.put_object_lock_configuration(Bucket="records", ObjectLockConfiguration=locked)
        bucket.add("stack/2026-11-23/1.json", FIRST)
        assert s3.head_object(Bucket="records", Key="stack/2026-11-23/1.json")["ObjectLockMode"] == "COMPLIANCE"
    forget_connections()
