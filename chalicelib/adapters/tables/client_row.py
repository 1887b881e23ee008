"""The rows of a client and of its phone number, and the conversion from and to the domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import reduce
from operator import and_
from typing import Any

from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from ...domain.client import Client, block_of, label_key
from .base import values_in
from .batches import Item


class ByTag(GlobalSecondaryIndex["ClientRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_tag"
        projection = AllProjection()

    tag_key = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class ByOperatorCode(GlobalSecondaryIndex["ClientRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_operator_code"
        projection = AllProjection()

    code_key = UnicodeAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)


class OptedOut(GlobalSecondaryIndex["PhoneRow"]):  # type: ignore[no-untyped-call]
    """The rows with an opt-out. Its keys are attributes that earlier versions wrote too."""

    class Meta:
        index_name = "opted_out"
        projection = AllProjection()

    opted_out_at = Moment(hash_key=True)
    phone = UnicodeAttribute(range_key=True)


class TextMapAttribute(UnicodeAttribute):
    """A map of texts as JSON. Equal maps have equal JSON, and a Cyrillic letter takes two bytes."""

    def serialize(self, value: Any) -> str:
        return json.dumps(dict(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def deserialize(self, value: str) -> Any:
        return json.loads(value)


ATTRIBUTES: dict[str, type[Attribute[Any]]] = {
    "str": UnicodeAttribute,
    "str | None": UnicodeAttribute,
    "datetime | None": Moment,
    "Mapping[str, str]": TextMapAttribute,
}
"""By the annotation of a field of Client."""

STORED = {item.name: ATTRIBUTES[str(item.type)] for item in fields(Client) if item.name != "id"}
"""Each field of Client has an attribute; a row leaves out blank values."""

ClientFieldsRow: Any = type("ClientFieldsRow", (), {name: kind(null=True) for name, kind in STORED.items()})


class ClientRow(ClientFieldsRow, Model):  # type: ignore[misc]
    class Meta:
        table_name = "clients"

    block = NumberAttribute(hash_key=True)
    id = NumberAttribute(range_key=True)
    tag_key = UnicodeAttribute(null=True)
    code_key = UnicodeAttribute()
    by_tag = ByTag()
    by_operator_code = ByOperatorCode()

    @classmethod
    def of(cls, client: Client) -> ClientRow:
        return cls(
            block_of(client.id),
            client.id,
            tag_key=label_key(client.tag, client.id) if client.tag else None,
            code_key=label_key(client.operator_code, client.id),
            **stored_values(client),
        )

    def client(self) -> Client:
        return _client(self.attribute_values)


def client_in(item: Item) -> Client:
    """The client of a row as DynamoDB returns it."""
    return _client(values_in(ClientRow, item))


def _client(values: Mapping[str, Any]) -> Client:
    known = {name: value for name in STORED if (value := values.get(name)) is not None}
    return Client(id=int(values["id"]), **known)


class PhoneRow(Model):
    """The client that has a phone number, and when the number opted out. A row without a client keeps the opt-out.

    `source` and `reason`: of the opt-out, as in domain/stop.py. The opt-out of an erased person is in a row whose key
    has the digest of the number: see `erased_phone`.
    """

    class Meta:
        table_name = "phones"

    phone = UnicodeAttribute(hash_key=True)
    client_id = NumberAttribute(null=True)
    opted_out_at = Moment(null=True)
    source = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    opted_out = OptedOut()


def erased_phone(digest: str) -> str:
    """The key of the row that keeps the opt-out of an erased phone number. No phone number looks like it."""
    return f"erased#{digest}"


def stored_values(client: Client) -> dict[str, Any]:
    """The attributes of the row; None for a blank value, which the row leaves out."""
    return {name: getattr(client, name) or None for name in STORED}


def is_unchanged(client: Client) -> Condition:
    """The optimistic lock: every field of the row equals the client's."""
    unchanged = [
        getattr(ClientRow, name).does_not_exist() if value is None else getattr(ClientRow, name) == value
        for name, value in stored_values(client).items()
    ]
    condition: Condition = reduce(and_, unchanged)
    return condition
