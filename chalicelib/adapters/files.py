"""Files in an S3 bucket, read in pieces. A file is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from ..errors import FileGone, NotRead, NotWritten
from . import aws

NO_SUCH_RANGE = 416
DIGEST = "sha256"
"""Metadata of the files that the service stores: the version of one. With a key of KMS the ETag is no digest of the
content (S3 API Reference, "Object"), and a repeated request would replace the file of a running import by itself."""


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file. `version` changes when the file is replaced; `size` is that of the file, in bytes."""

    content: bytes
    version: str
    size: int


class Files:
    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def put(self, key: str, content: bytes) -> str:
        """Store a file and return its version. Raises NotWritten if S3 is throttled, fails or does not answer."""
        about = {DIGEST: sha256(content).hexdigest()}
        with aws.momentary_as(NotWritten, f"file {key}"):
            aws.client("s3").put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="text/csv", Metadata=about
            )
        return about[DIGEST]

    def read(self, key: str, start: int, length: int) -> Piece | None:
        """Up to `length` bytes from `start`, or None at the end of the file.

        Raises FileGone, and NotRead as `put`, or while the function may not use the key of the file.
        """
        with aws.momentary_as(NotRead, f"file {key}"):
            return self._read(key, start, length)

    def _read(self, key: str, start: int, length: int) -> Piece | None:
        try:
            answer = aws.client("s3").get_object(
                Bucket=self.bucket, Key=key, Range=f"bytes={start}-{start + length - 1}"
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == NO_SUCH_RANGE:
                return None
            if refusal := _refusal(key, error):
                raise refusal from error
            raise
        size = int(answer["ContentRange"].rpartition("/")[2])
        return Piece(answer["Body"].read(), _version(answer), size)


def _refusal(key: str, error: ClientError) -> FileGone | NotRead | None:
    """A file that is gone is denied, because functions have no right to s3:ListBucket. So is one whose key a function
    may not use yet, while a deploy changes KMS_KEY_ARN: S3 then names the action of KMS. None for any other error.
    """
    code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "AccessDenied" and "kms:" in text:
        return NotRead(f"file {key}: {text}")
    return FileGone(key) if code in ("NoSuchKey", "AccessDenied") else None


def _version(answer: Mapping[str, Any]) -> str:
    """Of a file that somebody else put into the bucket, the ETag."""
    return str(answer.get("Metadata", {}).get(DIGEST) or answer["ETag"])
