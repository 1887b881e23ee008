"""Queries of clients: the table and its indexes by partition, ranges of ids, and the conditions of a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition

from ...domain.audience import Group, Partition
from ...domain.client import Client, block_of, operator_code_of
from ...domain.filter import AudienceMember, Filter, stored_spellings
from ...errors import TryAgain
from .batches import Item
from .client_row import STORED, ClientRow

if TYPE_CHECKING:
    from ...domain.client_search import ClientFilter

MOST_LABELS = 50
"""In one filter expression: DynamoDB limits it to 4 KB and 300 operators. With more labels the clients are read."""

TEXTS = {name for name, kind in STORED.items() if kind is UnicodeAttribute}


def counted_clients() -> int | None:
    """DynamoDB's own count of the table, which AWS renews about every six hours. None if there is no answer.

    It is free and reads no row.
    """
    try:
        return int(ClientRow.describe_table()["ItemCount"])
    except (PynamoDBException, TryAgain):
        return None


def query_clients(partition: Partition, after: int, through: int, limit: int, **options: Any) -> Any:
    ids = id_range(partition, after, through)
    return table_of(partition).query(partition.key, range_key_condition=ids, limit=limit, **options)


def member_of(item: Item, fields: Sequence[str]) -> AudienceMember:
    return AudienceMember(int(item["id"]["N"]), **{name: _read(name, item) for name in fields if name in item})


def _read(name: str, item: Item) -> Any:
    """The value of an attribute. Most are texts, which need no conversion."""
    stored = item[name]["S"]
    return stored if name in TEXTS else getattr(ClientRow, name).deserialize(stored)


def table_of(partition: Partition) -> Any:
    """The table or the index that has the partition."""
    tables = {"block": ClientRow, "tag": ClientRow.by_tag, "operator_code": ClientRow.by_operator_code}
    return tables[partition.by]


def group_of(item: Item) -> Group:
    """As `Client.group`. To make a client takes four times as long."""
    timezone = item.get("timezone")
    return timezone["S"] if timezone else Client.timezone, operator_code_of(item["phone_number"]["S"])


def has_too_many_labels(chosen: Filter) -> bool:
    return len(chosen.stored_tags) + len(chosen.operator_codes) > MOST_LABELS


def id_range(partition: Partition, after: int, through: int) -> Condition | None:
    """None for a complete block: MiniStack compares a range row by row, a third of the time of a page."""
    if partition.by == "block" and block_of(after) < int(partition.key) < block_of(through):
        return None
    ids: Condition = ClientRow.id.between(after + 1, through)
    return ids


def beyond_the_key(partition: Partition, chosen: Filter) -> Filter:
    """The part of the filter that the partition key does not cover."""
    return replace(
        chosen,
        tags=() if partition.by == "tag" else chosen.tags,
        operator_codes=() if partition.by == "operator_code" else chosen.operator_codes,
    )


def find_clients(partition: Partition, after: int, through: int, wanted: ClientFilter) -> tuple[list[Item], int | None]:
    """The rows that the filter may keep, and the last id read; None instead of it at the end.

    One call, which reads at most 1 MB: DynamoDB filters the rows after it has read them.
    """
    ids, condition = id_range(partition, after, through), _wanted_beyond_the_key(partition, wanted)
    rows = table_of(partition).query(partition.key, range_key_condition=ids, filter_condition=condition)
    page: dict[str, Any] = next(rows.page_iter)
    last = page.get("LastEvaluatedKey")
    return page["Items"], int(last["id"]["N"]) if last else None


def _wanted_beyond_the_key(partition: Partition, wanted: ClientFilter) -> Condition | None:
    """What DynamoDB can tell of the clients that the filter may keep. It knows no end of a text, and no case."""
    phone, conditions = ClientRow.phone_number, list[Condition]()
    if wanted.tag is not None and partition.by != "tag":
        conditions.append(reduce(or_, [ClientRow.tag == tag for tag in stored_spellings(wanted.tag)]))
    if wanted.operator_code is not None and partition.by != "operator_code":
        conditions.append(phone.startswith(f"7{wanted.operator_code}"))
    if wanted.phone is not None:
        digits = wanted.phone.digits
        conditions.append(phone.contains(digits) if wanted.phone.is_end else phone.startswith(digits))
    if wanted.attribute is not None:
        conditions.append(ClientRow.attributes.exists())
    if wanted.is_opted_out is not None:
        opted_out_at = ClientRow.opted_out_at
        conditions.append(opted_out_at.exists() if wanted.is_opted_out else opted_out_at.does_not_exist())
    return reduce(and_, conditions) if conditions else None


def may_be_texted(chosen: Filter) -> Condition:
    condition: Condition = ClientRow.opted_out_at.does_not_exist()
    if chosen.needs_consent:
        withdrawn_at = ClientRow.consent_withdrawn_at
        condition &= ClientRow.consent_at.exists()
        condition &= withdrawn_at.does_not_exist() | (withdrawn_at < ClientRow.consent_at)
    if chosen.tags:
        condition &= reduce(or_, [ClientRow.tag == tag for tag in chosen.stored_tags])
    if chosen.operator_codes:
        condition &= reduce(or_, [ClientRow.phone_number.startswith(f"7{code}") for code in chosen.operator_codes])
    return condition
