"""A table or a queue that is throttled or fails: 503 with Retry-After, and not the 500 of an error in the code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.console.session import begin_session
from infra.local.doubles.faulty_dynamodb import refused
from tests.cheap_user import put_user

from .conftest import Answer, Call, refusal

THROTTLED = "ProvisionedThroughputExceededException"
TIMES = {"datetime_start": "2040-01-01T10:00:00Z", "datetime_end": "2040-01-03T10:00:00Z", "message_text": "Hello"}


def require_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.json == refusal(
        answer, "The service is busy, and the request may be done in part: repeat it in some seconds."
    )


@pytest.mark.parametrize(
    ("operation", "table", "method", "path"),
    [
        ("GetItem", "test-clients", "GET", "/Clients/1"),
        ("Query", "test-clients", "GET", "/Clients"),
        ("BatchGetItem", "test-mailings", "GET", "/Mailing"),
        ("Query", "test-mailings", "GET", "/Stats"),
        ("GetItem", "test-clients", "PATCH", "/Clients/1"),
    ],
)
@pytest.mark.parametrize("code", [THROTTLED, "InternalServerError"])
def test_a_read_of_a_throttled_or_failing_table_is_answered_with_503(
    call: Call, mailing: dict[str, object], operation: str, table: str, method: str, path: str, code: str
) -> None:
    assert call(method, path, json={"tag": "a"} if method == "PATCH" else None).status == 200
    with refused(operation, code, table):
        require_unavailable(call(method, path, json={"tag": "b"} if method == "PATCH" else None))


def test_a_write_to_a_throttled_table_is_answered_with_503_and_its_key_repeats_it(call: Call) -> None:
    client = {"phone_number": "79770000001"}
    with refused("TransactWriteItems", THROTTLED):
        require_unavailable(call("POST", "/Clients", json=client, key="a"))
        require_unavailable(call("POST", "/Mailing", json=TIMES))
    assert call("POST", "/Clients", json=client, key="a").status == 201
    assert len(call("GET", "/Clients").json["results"]) == 1


def test_a_queue_that_is_throttled_is_answered_with_503(call: Call) -> None:
    events = aws.client("sqs").meta.events
    event = "before-call.sqs.GetQueueAttributes"
    call("GET", "/metrics")

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        return SimpleNamespace(status_code=400), {"Error": {"Code": "RequestThrottled", "Message": "throttled"}}

    events.register_last(event, refuse)
    try:
        require_unavailable(call("GET", "/metrics"))
    finally:
        events.unregister(event, refuse)


def test_a_bucket_that_is_throttled_is_answered_with_503(call: Call) -> None:
    events, event = aws.client("s3").meta.events, "before-call.s3.PutObject"

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        metadata = {"HTTPStatusCode": 503}
        return SimpleNamespace(status_code=503), {"Error": {"Code": "SlowDown"}, "ResponseMetadata": metadata}

    events.register_last(event, refuse)
    try:
        require_unavailable(
            call("POST", "/Clients/import", body=b"phone_number\n79770000001\n", content_type="text/csv")
        )
    finally:
        events.unregister(event, refuse)


def test_an_error_in_the_code_stays_a_500(call: Call) -> None:
    with refused("Query", "ValidationException"):
        assert call("GET", "/Clients").status == 500


class FakeKey:
    def value(self) -> str:
        return "a key that signs"


def test_a_page_of_the_console_says_in_the_language_of_the_person_what_to_do(services: Services) -> None:
    services.session_key = FakeKey()  # type: ignore[misc, assignment]
    put_user(services, "anna", "admin")
    user = services.users.find("anna")
    assert user is not None
    headers = {
        "Host": "api.example.com",
        "Cookie": f"session={begin_session(services, user, '', '')}",
        "Accept-Language": "ru",
    }
    with refused("Query", THROTTLED), Client(app) as client:
        answer = client.http.get("/console/clients", headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Сервис перегружен" in answer.body.decode()
