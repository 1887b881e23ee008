"""Files in an S3 bucket, read in pieces. A file is never in memory as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FileGone, NotRead, NotWritten
from . import aws

NO_SUCH_RANGE = 416


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
        with aws.momentary_as(NotWritten, f"file {key}"):
            answer = aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="text/csv")
        return str(answer["ETag"])

    def read(self, key: str, start: int, length: int) -> Piece | None:
        """Up to `length` bytes from `start`, or None at the end of the file. Raises FileGone, and NotRead as `put`."""
        with aws.momentary_as(NotRead, f"file {key}"):
            return self._read(key, start, length)

    def _read(self, key: str, start: int, length: int) -> Piece | None:
        s3 = aws.client("s3")
        try:
            answer = s3.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={start}-{start + length - 1}")
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == NO_SUCH_RANGE:
                return None
            if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):  # denied: without s3:ListBucket
                raise FileGone(key) from error
            raise
        size = int(answer["ContentRange"].rpartition("/")[2])
        return Piece(answer["Body"].read(), str(answer["ETag"]), size)
