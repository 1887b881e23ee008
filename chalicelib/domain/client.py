"""A client: whom we may text."""

from __future__ import annotations

import re
from dataclasses import dataclass

BLOCK_SIZE = 1000
"""Clients are stored in blocks of this many consecutive ids: one Query reads a block in the order of ids,
and everyone can be walked without a scan."""

LABEL_SHARDS = 8
"""An index entry of one tag or operator code is spread over this many partitions (DynamoDB allows 1,000
writes a second to one): an import sorted by phone number would otherwise meet in a single partition."""


MAX_LABEL = 255
"""Characters of a tag."""

PHONE = re.compile(r"79[0-9]{9}")

MAX_CLIENT_ID = 10**10 - 1
"""Keeps a message's id, made of the mailing's and the client's, within an int64 and readable."""


@dataclass(frozen=True)
class Client:
    """`phone_number` is 79XXXXXXXXX, `tag` one free label or None, `timezone` a pytz name."""

    id: int
    phone_number: str
    tag: str | None = None
    timezone: str = "UTC"

    @property
    def operator_code(self) -> str:
        return self.phone_number[1:4]


def block_of(client_id: int) -> int:
    """The block a client is stored in."""
    return client_id // BLOCK_SIZE


def label_key(label: str, client_id: int) -> str:
    """Key of a client's entry in the index of tags or of operator codes: `977#3`."""
    return shard_key(label, block_of(client_id) % LABEL_SHARDS)


def shard_key(label: str, shard: int) -> str:
    return f"{label}#{shard}"
