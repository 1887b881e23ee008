"""Files in a bucket, read piece by piece: none of them is ever whole in memory."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FileGone
from . import aws

NO_SUCH_RANGE = 416


@dataclass(frozen=True)
class Piece:
    """`version` tells two files that were put under one key apart; `size` is the whole file's."""

    content: bytes
    version: str
    size: int


class Files:
    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def put(self, key: str, content: bytes) -> str:
        """Answers with the version."""
        answer = aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="text/csv")
        return str(answer["ETag"])

    def read(self, key: str, start: int, length: int) -> Piece | None:
        """Some bytes of a file, None at its end. Raises FileGone."""
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
