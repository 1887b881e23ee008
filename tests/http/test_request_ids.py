"""Every answer has the id of its request, which finds its lines in the log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from chalice.local import LambdaContext

from app import app
from chalicelib.adapters.services import Services
from chalicelib.api.request_ids import PUBLISHED_BODIES

from .conftest import Call

Lines = Callable[[], list[dict[str, Any]]]
RESPONSES = json.loads((Path(__file__).parents[2] / "infra/stack.json").read_text())["Resources"]["RestAPI"][
    "Properties"
]["GatewayResponses"]


def through_gateway(request_id: str, token: str) -> dict[str, Any]:
    """The answer to `GET /Clients/{client_id}` of an unknown client, with an id by API Gateway."""
    headers = {"authorization": f"Token {token}"}
    context = {"httpMethod": "GET", "resourcePath": "/Clients/{client_id}", "path": "/api/Clients/7", "identity": {}}
    event: dict[str, Any] = {
        "requestContext": {**context, "requestId": request_id},
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": None,
        "pathParameters": {"client_id": "7"},
        "path": "/Clients/7",
        "body": None,
        "isBase64Encoded": False,
        "stageVariables": None,
    }
    answer: dict[str, Any] = app(event, LambdaContext("api_handler", 512))
    return answer


def test_an_answer_and_its_log_line_have_the_id_that_api_gateway_gave(
    services: Services, token: str, lines: Lines
) -> None:
    request_id = str(uuid4())
    answer = through_gateway(request_id, token)
    (line,) = lines()
    assert (answer["headers"]["X-Request-Id"], line["request_id"]) == (request_id, request_id)
    assert line["invocation_id"] != request_id, "Lambda's own lines have it"


def test_an_id_that_a_caller_has_made_up_is_not_logged(services: Services, token: str, lines: Lines) -> None:
    answer = through_gateway("79774053329", token)
    (line,) = lines()
    assert answer["headers"]["X-Request-Id"] == line["request_id"] == line["invocation_id"]
    assert "4053329" not in json.dumps(line)


@pytest.mark.parametrize(("path", "status"), [("/Clients", 200), ("/openapi.json", 200), ("/console/sign-in", 200)])
def test_a_good_answer_has_the_id_in_a_header(call: Call, lines: Lines, path: str, status: int) -> None:
    answer = call("GET", path)
    (line,) = lines()
    assert (answer.status, answer.headers["X-Request-Id"]) == (status, line["request_id"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/Clients", 400), ("GET", "/Clients/7", 404), ("DELETE", "/Clients", 405), ("POST", "/Clients", 415)],
)
def test_the_body_of_an_error_of_the_published_contract_stays_as_it_is(
    call: Call, method: str, path: str, status: int
) -> None:
    answer = call(
        method, path, body=b"<a/>" if status == 415 else b"", content_type="text/xml" if status == 415 else None
    )
    assert answer.status == status
    assert "request_id" not in answer.json
    assert answer.headers["X-Request-Id"]


def test_the_body_of_any_other_error_has_the_id_too(call: Call, mailing: dict[str, object], lines: Lines) -> None:
    call("POST", "/Mailing/1/cancel")
    lines()
    answer = call("POST", "/Mailing/1/pause")
    assert answer.status == 409
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == lines()[-1]["request_id"]


def test_the_answers_of_api_gateway_have_the_id_as_the_service_gives_it() -> None:
    for name, response in RESPONSES.items():
        assert response["ResponseParameters"]["Headers"]["X-Request-Id"] == "context.requestId", name
        template = response["ResponseTemplates"]["application/json"]
        is_published = int(response.get("StatusCode", 0)) in PUBLISHED_BODIES or name in (
            "MISSING_AUTHENTICATION_TOKEN",
            "DEFAULT_4XX",
        )
        assert ('"request_id": "$context.requestId"' in template) is not is_published, name
        assert json.loads(re.sub(r"\$context\.error\.messageString", '"text"', template))["detail"]
