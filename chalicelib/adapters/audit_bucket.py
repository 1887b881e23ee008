"""The bucket with Object Lock that gets a copy of the audit. It is no part of the stack."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus

from . import aws


class AuditBucket:
    """`owner`: the account that owns the bucket. Names of buckets are global, so S3 refuses another owner's."""

    def __init__(self, bucket: str, owner: str) -> None:
        self._place = {"Bucket": bucket, "ExpectedBucketOwner": owner}

    def add(self, key: str, content: bytes) -> None:
        """Store an object, unless there is one with this key. Raises what S3 refuses.

        S3 demands the header of a checksum for an object that it locks; botocore by itself sends it after the body. The
        default retention of the bucket locks the object.
        Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        s3 = aws.client("s3")
        checksum = b64encode(sha256(content).digest()).decode()
        checked = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
        written = {"Key": key, "Body": content, "ContentType": "application/json"}
        try:
            s3.put_object(**self._place, **written, **checked, IfNoneMatch="*")
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PRECONDITION_FAILED:
                raise
