"""A client: a person with a phone number that mailings can reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from ..texts import Text

BLOCK_SIZE = 1000
"""Consecutive client ids that are stored together. One Query reads a block in the order of ids, so a walk over all
clients needs no Scan."""

LABEL_SHARDS = 8
"""Partitions of one tag or operator code in the index. An import sorted by phone number would otherwise write to a
single partition, and DynamoDB allows 1,000 writes a second to one."""

MAX_LABEL = 255
"""Characters of a tag, and of an attribute's value."""

ATTRIBUTE_NAME = r"[^\W\d_]\w{0,31}"
"""A letter of any alphabet, then letters, digits and `_`."""

STANDARD_PLACEHOLDERS = ("tag", "phone_number")
"""The placeholders of every client. No attribute can have these names."""

MAX_ATTRIBUTES = 20
MAX_ATTRIBUTES_SIZE = 1024
"""Bytes of names and values in UTF-8. A client without a long tag stays below 4 KB, one read unit of DynamoDB."""

PHONE = re.compile(r"79[0-9]{9}")
OPERATOR_CODE = re.compile(r"9[0-9]{2}")

CLIENT_ID = "client_id"
"""The counter of client ids."""

MAX_CLIENT_ID = 10**10 - 1
"""A message id is mailing id × 10¹⁰ + client id: readable, and within an int64."""


@dataclass(frozen=True)
class Client:
    """`phone_number` is 79XXXXXXXXX, `tag` one free label or None, `timezone` a pytz name.

    `opted_out_at`: since when the client is on the stop list. The phone number stays there after the client is deleted.
    `consent_at`: when the client consented to marketing, where (`consent_source`) and to which text. A withdrawal keeps
    them.
    `attributes`: values for placeholders, by name. No value is blank.
    `registered_at`: when the service made the client; None for a client that an earlier version made.
    """

    id: int
    phone_number: str
    tag: str | None = None
    timezone: str = "UTC"
    opted_out_at: datetime | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None
    consent_text: str | None = None
    consent_withdrawn_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    registered_at: datetime | None = None

    @property
    def operator_code(self) -> str:
        return operator_code_of(self.phone_number)

    @property
    def consent(self) -> datetime | None:
        """The moment of the consent to marketing; None if there is none, or a withdrawal is not older."""
        return consent_that_counts(self.consent_at, self.consent_withdrawn_at)

    @property
    def group(self) -> tuple[str, str]:
        """The time zone and the operator code, by which a preview groups the audience."""
        return self.timezone, self.operator_code

    @property
    def masked_phone(self) -> str:
        """For pages that many people see: +7 977 ***-**-29."""
        return f"+7 {self.operator_code} ***-**-{self.phone_number[-2:]}"


SERVICE_FIELDS = ("id", "opted_out_at", "registered_at")
"""The service sets these; a person or a program cannot."""

GIVEN_FIELDS = tuple(item.name for item in fields(Client) if item.name not in SERVICE_FIELDS)
"""The fields that a request or an import sets. The API, the import, the table and its lock derive from this list."""


def is_attribute_name(name: str) -> bool:
    return re.fullmatch(ATTRIBUTE_NAME, name) is not None and name not in STANDARD_PLACEHOLDERS


def attributes_error(attributes: Mapping[str, str]) -> Text | None:
    """The error if a client cannot have all these attributes, otherwise None."""
    if len(attributes) > MAX_ATTRIBUTES:
        return Text("attributes.too_many", most=MAX_ATTRIBUTES)
    if sum(len(text.encode()) for pair in attributes.items() for text in pair) > MAX_ATTRIBUTES_SIZE:
        return Text("attributes.too_large", most=MAX_ATTRIBUTES_SIZE)
    return None


def operator_code_of(phone_number: str) -> str:
    """The three digits after the 7."""
    return phone_number[1:4]


def consent_that_counts(given_at: datetime | None, withdrawn_at: datetime | None) -> datetime | None:
    """The moment of a consent that is newer than its withdrawal."""
    is_withdrawn = given_at is not None and withdrawn_at is not None and withdrawn_at >= given_at
    return None if is_withdrawn else given_at


def block_of(client_id: int) -> int:
    """The block in which a client is stored."""
    return client_id // BLOCK_SIZE


def label_key(label: str, client_id: int) -> str:
    """The key of a client in the index of tags or of operator codes, such as `977#3`."""
    return shard_key(label, block_of(client_id) % LABEL_SHARDS)


def shard_key(label: str, shard: int) -> str:
    return f"{label}#{shard}"
