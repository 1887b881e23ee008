"""The OpenAPI 3.1 description of the API, made from the field rules that check the requests."""

from __future__ import annotations

from .. import __version__
from ..domain.allowed_steps import (
    ALLOWED_IN,
    CHANGE,
    FIXED_AFTER_START,
    REFUSED_AFTER_END,
)
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..http.bodies import BYTES, CSV, FORM, JSON
from ..rules import Schema
from .documented import about_api, answer_example, description_of, refusals, request_example, tags
from .json_types import STRING, page_of, ref
from .metrics import TEXT
from .operations import ERRORS, GATEWAY, OPERATIONS, Operation
from .parameters import parameters
from .request_ids import HEADER, PUBLISHED_BODIES
from .schemas import schemas

LINK: Schema = {"Link": {"description": 'The next part: `<URL>; rel="next"`; absent at the end', "schema": STRING}}
ETAG: Schema = {"ETag": {"description": "The version of the object, for If-Match", "schema": STRING}}
RETRY_AFTER: Schema = {"Retry-After": {"description": "The seconds to wait", "schema": STRING}}
REQUEST_ID: Schema = {HEADER: {"$ref": "#/components/headers/RequestId"}}

SECURITY: Schema = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "On this page: the token as it was printed. Programs send `Token <40 hex characters>`.",
    },
    GATEWAY: {
        "type": "http",
        "scheme": "bearer",
        "description": "The secret of delivery receipts. If they are not enabled, the route answers 404.",
    },
}


def document(server: str) -> Schema:
    """The OpenAPI document; `server` is the base URL of the paths."""
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Notifications", "version": __version__, "description": about_api()},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": about} for name, about in tags().items()],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": {name: _refusal(status, about) for status, (name, about) in ERRORS.items()},
            "headers": {"RequestId": {"description": "Finds the request in the log", "schema": STRING}},
            "securitySchemes": SECURITY,
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": _operation_id(operation),
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join([description_of(operation.key), *_about_step(operation.step)]),
        "parameters": parameters(operation),
        "responses": _answers(operation),
    }
    if operation.caller != "token":
        described["security"] = [{operation.caller: []}]
    if operation.accepts:
        described["requestBody"] = {"required": operation.method != "patch", "content": _bodies(operation)}
    return described


def _about_step(step: str | None) -> list[str]:
    """The statuses that allow the step, and the fields that it cannot change."""
    if step is None:
        return []
    statuses = ALLOWED_IN[step]
    about = [f"Allowed while the mailing is {', '.join(statuses)}; otherwise 409."]
    if statuses == MAILING_STATUSES:
        about = ["Allowed in every status of the mailing."]
    if step in REFUSED_AFTER_END:
        about.append("After the end (datetime_end) the answer is also 409.")
    if step == CHANGE:
        fixed = ", ".join(FIXED_AFTER_START)
        about.append(f"After the start these fields are fixed, and a new value is a 400: {fixed}.")
    return about


def _operation_id(operation: Operation) -> str:
    words = [word.strip("{}") for word in operation.path.split("/") if word]
    return "_".join([operation.method, *words]).lower()


def _bodies(operation: Operation) -> Schema:
    """The request body in each media type, with one example."""
    accepts = str(operation.accepts)
    schema = STRING if accepts == CSV else ref(accepts)
    types = (CSV, BYTES) if accepts == CSV else (JSON, FORM) if operation.caller == "token" else (JSON,)
    content = {"schema": schema, "example": request_example(operation.key, accepts)}
    return dict.fromkeys(types, content)


def _answers(operation: Operation) -> Schema:
    found: Schema = {
        str(status): _answer(operation, status) for status in (operation.status, operation.repeated) if status
    }
    if operation.has_etag and operation.method == "get":
        about = "The object has the ETag in If-None-Match"
        found["304"] = {"description": about, "headers": {**REQUEST_ID, **ETAG}}
    refused = {str(status): {"$ref": f"#/components/responses/{ERRORS[status][0]}"} for status in operation.errors}
    return {**found, **refused}


def _answer(operation: Operation, status: int) -> Schema:
    returns = operation.returns
    if returns is None:
        return {"description": "Success, without a body", "headers": REQUEST_ID}
    example = answer_example(f"{operation.key} {status}", operation.key, returns)
    if returns == CSV:
        about = "UTF-8, separated by semicolons; the first part starts with a BOM and the column names"
        content: Schema = {CSV: {"schema": STRING, "example": example}}
        return {"description": about, "headers": {**REQUEST_ID, **LINK}, "content": content}
    if returns == TEXT:
        content = {TEXT: {"schema": STRING, "example": example}}
        return {"description": "The Prometheus text format", "headers": REQUEST_ID, "content": content}
    schema = page_of(ref(returns)) if operation.is_list else ref(returns)
    shown = {"next": None, "results": [example]} if operation.is_list else example
    return {
        "description": "Success",
        "headers": {**REQUEST_ID, **(ETAG if operation.answers_etag else {})},
        "content": {JSON: {"schema": schema, "example": shown}},
    }


def _refusal(status: int, about: str) -> Schema:
    detail = ref("Refusal" if status in PUBLISHED_BODIES else "RefusalWithId")
    schema: Schema = {"anyOf": [detail, ref("FieldErrors")]} if status == 400 else detail
    examples = {name: {"value": body} for name, body in refusals(status).items()}
    headers = {**REQUEST_ID, **(RETRY_AFTER if status in (429, 503) else {})}
    return {"description": about, "headers": headers, "content": {JSON: {"schema": schema, "examples": examples}}}
