"""DynamoDB's answers are read as botocore reads them, without its work for each value."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.parsers import create_parser

from chalicelib.adapters import aws
from chalicelib.adapters.attribute_values import RowParser, has_binary
from infra.local.doubles.aws import forget_connections

BINARY = {"B": base64.b64encode(b"bytes").decode()}
ROW = {
    "id": {"N": "7"},
    "tag": {"S": "тег"},
    "is_on": {"BOOL": True},
    "nothing": {"NULL": True},
    "names": {"SS": ["a", "b"]},
    "moments": {"NS": ["1", "2"]},
    "tags": {"L": [{"S": "a"}, {"L": [{"N": "1"}]}]},
    "given": {"M": {"name": {"S": "Anna"}}},
}
BINARIES: list[dict[str, Any]] = [
    BINARY,
    {"BS": [BINARY["B"]]},
    {"L": [{"S": "a"}, BINARY]},
    {"M": {"a": {"M": {"b": BINARY}}}},
]
ANSWERS = {
    "Query": {"Items": [ROW, {}], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": {"id": ROW["id"]}},
    "GetItem": {"Item": ROW},
    "UpdateItem": {"Attributes": ROW},
    "BatchGetItem": {"Responses": {"a": [ROW]}, "UnprocessedKeys": {"a": {"Keys": [{"id": ROW["id"]}]}}},
    "BatchWriteItem": {"UnprocessedItems": {"a": [{"PutRequest": {"Item": ROW}}]}},
    "BatchExecuteStatement": {"Responses": [{"Item": ROW}, {"Error": {"Code": "ThrottlingError", "Item": ROW}}]},
}


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    forget_connections()


def parsed(parser: Any, operation: str, answer: Any, status: int = 200) -> Any:
    shape = aws.client("dynamodb").meta.service_model.operation_model(operation).output_shape
    return parser.parse({"status_code": status, "headers": {}, "body": json.dumps(answer).encode()}, shape)


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_is_read_as_botocore_reads_it(operation: str) -> None:
    answer = ANSWERS[operation]
    assert parsed(RowParser(), operation, answer) == parsed(create_parser("json"), operation, answer)


@pytest.mark.parametrize("value", BINARIES)
def test_binary_values_are_decoded_as_by_botocore(value: Any) -> None:
    assert has_binary(value)
    answer = {"Item": {**ROW, "binary": value}}
    item = parsed(RowParser(), "GetItem", answer)["Item"]
    assert item == parsed(create_parser("json"), "GetItem", answer)["Item"]
    assert item["binary"] != value


def test_a_refused_write_has_the_row_that_refused_it() -> None:
    code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    answer = {"__type": code, "message": "refused", "Item": ROW}
    found = parsed(RowParser(), "UpdateItem", answer, status=400)
    assert found == parsed(create_parser("json"), "UpdateItem", answer, status=400)


def test_the_client_of_dynamodb_reads_its_answers_in_this_way() -> None:
    client = aws.client("dynamodb")
    protocol = client.meta.service_model.resolved_protocol
    assert isinstance(client._endpoint._response_parser_factory.create_parser(protocol), RowParser)
