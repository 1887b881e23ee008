"""A client: whom we may text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from ..texts import Text

BLOCK_SIZE = 1000
"""Clients are stored in blocks of this many consecutive ids: one Query reads a block in the order of ids,
and everyone can be walked without a scan."""

LABEL_SHARDS = 8
"""An index entry of one tag or operator code is spread over this many partitions (DynamoDB allows 1,000
writes a second to one): an import sorted by phone number would otherwise meet in a single partition."""


MAX_LABEL = 255
"""Characters of a tag, and of an attribute's value."""

ATTRIBUTE_NAME = r"[^\W\d_]\w{0,31}"
"""As people name columns: a letter of any alphabet, then letters, digits and _."""

STANDARD_PLACEHOLDERS = ("tag", "phone_number")
"""What a text may say of every client; no attribute has such a name."""

MAX_ATTRIBUTES = 20
MAX_ATTRIBUTES_SIZE = 1024
"""Bytes in UTF-8, of names and values together: a client stays below 4 KB, one unit to read, if the tag is not huge."""

PHONE = re.compile(r"79[0-9]{9}")

CLIENT_ID = "client_id"
"""The counter that gives clients their ids."""

MAX_CLIENT_ID = 10**10 - 1
"""Keeps a message's id, made of the mailing's and the client's, within an int64 and readable."""


@dataclass(frozen=True)
class Client:
    """`phone_number` is 79XXXXXXXXX, `tag` one free label or None, `timezone` a pytz name.

    `opted_out_at`: since when nothing may be sent to this client; the phone number keeps it when the client goes.
    `attributes`: free fields for texts, by name; none of them is blank.
    """

    id: int
    phone_number: str
    tag: str | None = None
    timezone: str = "UTC"
    opted_out_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def operator_code(self) -> str:
        return self.phone_number[1:4]

    @property
    def masked_phone(self) -> str:
        """For a page that many look at: +7 977 ***-**-29."""
        return f"+7 {self.operator_code} ***-**-{self.phone_number[-2:]}"


SERVICE_FIELDS = ("id", "opted_out_at")
"""The service sets these; a person or a program cannot."""

GIVEN_FIELDS = tuple(item.name for item in fields(Client) if item.name not in SERVICE_FIELDS)
"""What people and programs set. The API, the CSV import, the table and its optimistic lock derive from this list."""


def is_attribute_name(name: str) -> bool:
    return re.fullmatch(ATTRIBUTE_NAME, name) is not None and name not in STANDARD_PLACEHOLDERS


def attributes_error(attributes: Mapping[str, str]) -> Text | None:
    """Why one client cannot have all of these."""
    if len(attributes) > MAX_ATTRIBUTES:
        return Text("attributes.too_many", most=MAX_ATTRIBUTES)
    if sum(len(text.encode()) for pair in attributes.items() for text in pair) > MAX_ATTRIBUTES_SIZE:
        return Text("attributes.too_large", most=MAX_ATTRIBUTES_SIZE)
    return None


def block_of(client_id: int) -> int:
    """The block a client is stored in."""
    return client_id // BLOCK_SIZE


def label_key(label: str, client_id: int) -> str:
    """Key of a client's entry in the index of tags or of operator codes: `977#3`."""
    return shard_key(label, block_of(client_id) % LABEL_SHARDS)


def shard_key(label: str, shard: int) -> str:
    return f"{label}#{shard}"
