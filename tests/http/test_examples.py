"""Every example of `/openapi.json` is tried: the API accepts the requests as they stand and gives the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chalicelib import runtime
from chalicelib import settings as settings_module
from chalicelib.access.tokens import make_token
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.api.documented import request_example
from chalicelib.api.metrics import TEXT
from chalicelib.api.openapi import document
from chalicelib.api.operations import ERRORS, GATEWAY, OPERATIONS, Operation
from chalicelib.errors import RowChanged
from chalicelib.http.bodies import BODY_LIMIT, CSV, FORM, JSON
from infra.local.doubles.faulty_dynamodb import refused

from .conftest import Answer, Call
from .example_world import World, prepare

SECRET = "0123456789abcdef"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+\d\d:\d\d)")
DESCRIBED: Any = document("https://api.example.com")
API = json.loads((Path(__file__).parents[2] / "infra/stack.json").read_text())["Resources"]["RestAPI"]["Properties"]

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.key)
with_a_form = [one for one in OPERATIONS if one.accepts not in (None, CSV) and one.caller != GATEWAY]


@pytest.fixture
def world(call: Call, services: Services, monkeypatch: pytest.MonkeyPatch) -> World:
    """With delivery receipts."""
    aws.client("ssm").put_parameter(Name="/test/receipts-secret", Value=SECRET, Type="SecureString")
    monkeypatch.setenv("RECEIPTS", "true")
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()
    return World(call, runtime.services())


def perform(call: Call, operation: Operation, **body: Any) -> Answer:
    """On the objects with the id 1."""
    path = operation.path.replace("{id}", "1").replace("{phone_number}", "79774053330")
    path += "?file_name=clients.csv" if "file_name" in operation.query else ""
    own: dict[str, Any] = {"authorization": f"Bearer {SECRET}"} if operation.caller == GATEWAY else {}
    if operation.is_read_first:
        read = call("GET", path.rpartition("/approve")[0])
        own = {"authorization": approver(), "more": {"If-Match": read.headers["ETag"]}}
    return call(operation.method.upper(), path, **body, **own)


def approver() -> str:
    return f"Token {make_token(runtime.services(), 'vera', 'approver')}"


def described(operation: Operation) -> Any:
    return DESCRIBED["paths"][operation.path][operation.method]


def example_of_body(operation: Operation, media_type: str) -> Any:
    content = described(operation).get("requestBody", {"content": {}})["content"]
    return content[media_type]["example"] if media_type in content else None


def require_valid(value: Any, schema: Any) -> None:
    Draft202012Validator({**schema, "components": DESCRIBED["components"]}).validate(value)


def without_moments(value: Any) -> Any:
    return json.loads(MOMENT.sub("a moment", json.dumps(value)))


def first_row(value: Any) -> Any:
    """A page of a list with its first row alone."""
    return {"next": None, "results": value["results"][:1]}


@each_operation
def test_the_example_of_a_request_is_accepted_and_answered_with_the_example_of_the_answer(
    world: World, operation: Operation
) -> None:
    prepare(world, operation)
    sent, file = example_of_body(operation, JSON), example_of_body(operation, CSV)
    body = {"json": sent} if sent else {"body": file.encode(), "content_type": CSV} if file else {}
    answer = perform(world.call, operation, **body)
    assert answer.status == operation.status, answer.text
    require_like_example(operation, answer)


def require_like_example(operation: Operation, answer: Answer) -> None:
    response = described(operation)["responses"][str(operation.status)]
    assert set(response["headers"]) - set(answer.headers) <= {"Link"}, "a single part has no next one"
    assert ("ETag" in answer.headers) == ("ETag" in response["headers"])
    content = response.get("content", {})
    if not content:
        assert answer.text == ""
        return
    media_type, shown = next(iter(content.items()))
    assert answer.headers["Content-Type"].split(";")[0] == media_type.split(";")[0]
    if media_type == TEXT:
        assert answer.text.startswith(shown["example"])
        return
    got = answer.json if media_type == JSON else answer.text
    require_valid(got, shown["schema"])
    require_valid(shown["example"], shown["schema"])
    got = first_row(got) if operation.is_list else got
    assert without_moments(got) == without_moments(shown["example"]), "write the answer into examples.json"


@pytest.mark.parametrize("operation", with_a_form, ids=lambda one: one.key)
def test_a_form_with_the_examples_of_all_fields_is_accepted(world: World, operation: Operation) -> None:
    """Swagger UI fills it in like this."""
    prepare(world, operation)
    assert example_of_body(operation, FORM) == example_of_body(operation, JSON)
    fields = DESCRIBED["components"]["schemas"][operation.accepts]["properties"]
    sent = {name: field["examples"][0] for name, field in fields.items() if "readOnly" not in field}
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()}
    assert perform(world.call, operation, form=form).status == operation.status


@each_operation
def test_every_operation_has_a_summary_a_description_a_group_and_examples(operation: Operation) -> None:
    shown = described(operation)
    assert shown["summary"]
    assert shown["description"]
    assert len(shown["tags"]) == 1
    assert all(parameter["description"] for parameter in shown["parameters"])
    bodies = [shown["requestBody"]] if operation.accepts else []
    answers = [answer for answer in shown["responses"].values() if "$ref" not in answer]
    assert all(content["example"] for part in bodies + answers for content in part.get("content", {}).values())
    assert {int(status) for status, answer in shown["responses"].items() if "$ref" in answer} == set(operation.errors)


def test_every_group_and_every_description_is_of_an_operation() -> None:
    assert {tag["name"] for tag in DESCRIBED["tags"]} == {one.tag for one in OPERATIONS}
    texts = json.loads((Path(document.__code__.co_filename).parent / "descriptions.json").read_text())
    assert set(texts["operations"]) == {one.key for one in OPERATIONS}


def a_conflict(call: Call, services: Services) -> Answer:
    def change(*_: object) -> None:
        raise RowChanged

    call("POST", "/Clients", json=request_example("NewClient"))
    services.clients.change = change  # type: ignore[assignment, method-assign]
    services.clock.sleep = lambda _: None  # type: ignore[method-assign]
    return call("PATCH", "/Clients/1", json={"tag": "new"})


def an_old_etag(call: Call, services: Services) -> Answer:
    etag = call("POST", "/Clients", json=request_example("NewClient")).headers["ETag"]
    call("PATCH", "/Clients/1", json={"tag": "vip"})
    return call("PATCH", "/Clients/1", json={"timezone": "UTC"}, more={"If-Match": etag})


def an_etag_of_nothing(call: Call, services: Services) -> Answer:
    call("POST", "/Clients", json=request_example("NewClient"))
    return call("PATCH", "/Clients/1", json={"timezone": "UTC"}, more={"If-Match": '"x"'})


def an_approval_of_what_was_not_read(call: Call, services: Services) -> Answer:
    call("POST", "/Mailing", json=request_example("NewMailing"))
    return call("POST", "/Mailing/1/approve", authorization=approver())


def a_reused_key(call: Call, services: Services) -> Answer:
    call("POST", "/Clients", json=request_example("NewClient"), key="k")
    return call("POST", "/StopList", json=request_example("NewStop"), key="k")


def a_step_that_is_not_allowed(call: Call, services: Services) -> Answer:
    call("POST", "/Mailing", json=request_example("NewMailing"))
    return call("POST", "/Mailing/1/pause")


def an_error(call: Call, services: Services) -> Answer:
    services.counters = None  # type: ignore[assignment, misc]
    return call("GET", "/Clients")


def a_throttled_table(call: Call, services: Services) -> Answer:
    with refused("GetItem", "ProvisionedThroughputExceededException", "test-clients"):
        return call("GET", "/Clients/1")


def a_reader(call: Call, services: Services) -> Answer:
    token = make_token(services, "boris", "read")
    return call("POST", "/Clients", json=request_example("NewClient"), authorization=f"Token {token}")


BAD_CONDITION = {**request_example("NewSegment"), "filter": {"all": [{"field": "tag", "is": ""}]}}

PROVOKED: dict[tuple[int, str], Callable[[Call, Services], Answer]] = {
    (400, "fields"): lambda call, _: call("POST", "/Clients", form={"phone_numbr": "79774053329", "tag": "a,b"}),
    (400, "place"): lambda call, _: call("POST", "/Segments", json=BAD_CONDITION),
    (400, "request"): lambda call, _: call("POST", "/Clients", body=b'{"phone_number', content_type=JSON),
    (401, "receipts"): lambda call, _: call("POST", "/Receipts", authorization="Bearer wrong"),
    (403, "read_only"): a_reader,
    (404, "not_found"): lambda call, _: call("GET", "/Clients/7"),
    (409, "status"): a_step_that_is_not_allowed,
    (409, "conflict"): a_conflict,
    (412, "changed"): an_old_etag,
    (412, "unknown_etag"): an_etag_of_nothing,
    (413, "body"): lambda call, _: call("POST", "/Clients", body=b" " * (BODY_LIMIT + 1), content_type=JSON),
    (415, "media_type"): lambda call, _: call("POST", "/Clients", body=b"<a/>", content_type="text/xml"),
    (422, "key_reused"): a_reused_key,
    (428, "read_first"): an_approval_of_what_was_not_read,
    (500, "error"): an_error,
    (503, "unavailable"): a_throttled_table,
}
OF_API_GATEWAY = {(401, "no_token"): "UNAUTHORIZED", (401, "unknown_token"): "ACCESS_DENIED"}
OF_API_GATEWAY |= {(429, "too_many"): "THROTTLED"}


def response_to(status: int) -> Any:
    return DESCRIBED["components"]["responses"][ERRORS[status][0]]


CASES = [(status, case) for status in ERRORS for case in response_to(status)["content"][JSON]["examples"]]


@pytest.mark.parametrize(("status", "case"), CASES, ids=str)
def test_the_example_of_an_error_is_what_the_api_answers(world: World, status: int, case: str) -> None:
    content = response_to(status)["content"][JSON]
    shown = content["examples"][case]["value"]
    if (status, case) in OF_API_GATEWAY:
        response = API["GatewayResponses"][OF_API_GATEWAY[status, case]]
        assert int(response["StatusCode"]) == status
        got = json.loads(response["ResponseTemplates"]["application/json"])
    else:
        answer = PROVOKED[status, case](world.call, world.services)
        assert answer.status == status, answer.text
        got = answer.json
    require_valid(got, content["schema"])
    own_id = {"request_id": shown["request_id"]} if "request_id" in got else {}
    assert {**got, **own_id} == shown


def test_every_case_is_tried() -> None:
    assert set(CASES) == {*PROVOKED, *OF_API_GATEWAY}
    assert {status for one in OPERATIONS for status in one.errors} == set(ERRORS)
