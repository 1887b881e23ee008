"""No request that is accepted makes an item that is too large for DynamoDB. Emulators do not check the sizes.

Source: Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB".
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.aws_units import size_of
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.domain.audience import label_partitions, plan_audience
from chalicelib.domain.condition import MAX_SIZE
from chalicelib.domain.filter import MAX_TAGS_SIZE, Filter
from chalicelib.domain.jobs import ImportClients
from chalicelib.domain.sms import MAX_CHARACTERS
from chalicelib.http.bodies import BYTES, JSON

from .conftest import Call

ITEM, SORT_KEY, PARTITION_KEY = 400 * 1024, 1024, 2048
MAILING = {"datetime_start": "2035-01-01", "datetime_end": "2036-01-01", "message_text": "text"}
GROWING = "\U0001d160"
"""A note that has three characters after composition: 4 bytes become 12."""

CONTROLS = "\x01" * 252
"""Six bytes in JSON for each."""


def items() -> dict[str, list[dict[str, Any]]]:
    dynamodb = aws.client("dynamodb")
    return {name: dynamodb.scan(TableName=name)["Items"] for name in dynamodb.list_tables()["TableNames"]}


def largest() -> tuple[int, str]:
    return max((size_of(item), name) for name, found in items().items() for item in found)


def tags(pattern: str, number: int) -> str:
    return ",".join(pattern.format(index) for index in range(number))


@pytest.mark.parametrize(
    "fields",
    [
        {"filter_tag": tags("{:x}", 48_000)},
        {"filter_tag": tags("{:x}" + GROWING * 60, 1000)},
        {"filter_tag": tags("{}" + CONTROLS, 8), "message_text": "a" + "\x01" * 1599},
        {"message_text": "\U0001f600" * 792},
        {"message_text": "я" * 100_000},
    ],
    ids=["many tags", "growing tags", "tags with controls", "emoji", "a long text"],
)
def test_a_mailing_its_audit_records_and_its_answer_fit_into_items(call: Call, fields: dict[str, str]) -> None:
    other = {name: value[:-1] + "z" for name, value in fields.items()}
    made, changed = (
        call(
            method, path, body=json.dumps({**MAILING, **sent}, ensure_ascii=False).encode(), content_type=JSON, key=key
        )
        for method, path, sent, key in [("POST", "/Mailing", fields, "k1"), ("PUT", "/Mailing/1", other, None)]
    )
    assert (made.status, changed.status) in [(201, 200), (400, 400)]
    call("DELETE", "/Mailing/1")
    assert largest() < (ITEM, "")


def test_the_kept_answer_of_the_largest_mailing_fits_into_an_item() -> None:
    """The tags twice, the condition and the text, with six bytes in JSON for each byte, and what else an answer has."""
    assert 6 * (2 * MAX_TAGS_SIZE + MAX_SIZE + MAX_CHARACTERS) + 10_000 < ITEM


@pytest.mark.parametrize("letter", ["a", "각", "\U0001f600"])
def test_a_client_and_its_labels_fit_into_items_and_their_keys(call: Call, letter: str) -> None:
    attributes = {chr(0x10400 + number) * 32: letter * 30 for number in range(4)}
    client = {"phone_number": "79770000001", "tag": letter * 255, "attributes": attributes}
    assert call("POST", "/Clients", json=client, key="k1").status == 201
    call("DELETE", "/Clients/1")
    assert largest() < (ITEM, "")
    for name, found in items().items():
        for item in found:
            keys = [len(item[key]["S"].encode()) for key in ("tag_key", "code_key", "phone", "name") if key in item]
            assert max(keys, default=0) <= PARTITION_KEY, name
            assert len(item.get("label", {"S": ""})["S"].encode()) <= SORT_KEY


@pytest.mark.parametrize("letter", ["a", "я", "각", "\U0001f600"])
def test_the_keys_by_which_clients_with_a_tag_are_read_are_not_too_long(letter: str) -> None:
    tag = letter * 255
    chosen = Filter((tag,))
    read = [partition for partition, _, _ in plan_audience(chosen, 10**7).partitions(chosen, 0)]
    keys = [str(partition.key) for partition in [*label_partitions("tag", tag), *read]]
    assert max(len(key.encode()) for key in keys) <= PARTITION_KEY


def test_an_import_and_its_refused_rows_fit_into_items(call: Call, services: Services) -> None:
    names = "".join(f";attributes.{chr(0x430 + number) * 32}" for number in range(32))
    rows = [
        f"wrong{';я' * 33}",
        f"wrong;{'я' * 4000}",
        "wrong;" + "\x01" * 4000,
        f'"{"я" * 6000}',
        "wrong" + ";" * 4000,
    ]
    content = "\n".join([f"phone_number{names}", *rows]).encode("cp1251")
    assert call("POST", "/Clients/import", body=content, content_type=BYTES).status == 202
    run_import(services, ImportClients(1), lambda: 60.0)
    assert call("GET", "/Clients/import/1").json["refused"] == len(rows)
    assert largest() < (ITEM, "")
