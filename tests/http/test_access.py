from __future__ import annotations

import re
from typing import Any

import pytest
from chalice.local import LambdaContext

from app import app
from chalicelib.access.tokens import LOCAL_TOKEN_DIGEST, authenticate, digest, make_token, revoke_token
from chalicelib.adapters.services import Services
from chalicelib.domain.principal import ADMIN, Principal, Token
from chalicelib.errors import NotAuthenticated
from chalicelib.settings import Settings
from infra.local.seed import LOCAL_TOKEN

from .conftest import Call, refusal

FOR_PROGRAMS = ("/Clients", "/Mailing", "/Stats", "/Audit", "/metrics")


def without_a_gateway(method: str, path: str, authorization: str | None) -> tuple[int, str]:
    """The API handler as LocalStack calls it: no authorizer has checked the token."""
    headers = {"authorization": authorization} if authorization else {}
    event: dict[str, Any] = {
        "requestContext": {"httpMethod": method, "resourcePath": path, "path": f"/api{path}", "identity": {}},
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": None,
        "pathParameters": dict.fromkeys(re.findall(r"{(\w+)}", path), "1"),
        "path": path,
        "body": None,
        "isBase64Encoded": False,
        "stageVariables": None,
    }
    answer = app(event, LambdaContext("api_handler", 512))
    return answer["statusCode"], answer["body"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Token",
        "Token 123",
        f"Bearer {'a' * 40}",
        f"Token {'g' * 40}",
        f"Token  {'a' * 40}",
        f"Token {'a' * 40} ",
        f"Token {'a' * 41}",
        f"Token {'a' * 40}",
    ],
)
def test_without_an_authorizer_the_api_checks_the_token(services: Services, authorization: str | None) -> None:
    status, body = without_a_gateway("GET", "/Clients", authorization)
    assert status == 401
    assert body.startswith('{"detail":')


def test_without_an_authorizer_no_route_of_the_api_is_open(services: Services) -> None:
    asked = {path for path in app.routes if path.startswith(FOR_PROGRAMS)}
    assert len(asked) > 15
    assert {without_a_gateway("GET", path, None)[0] for path in asked} == {401}


def test_without_an_authorizer_a_valid_token_is_accepted(services: Services, token: str) -> None:
    assert without_a_gateway("GET", "/Clients", f"Token {token}")[0] == 200
    assert without_a_gateway("GET", "/Clients", f"token {token}")[0] == 200


def test_the_authorizer_refuses_unknown_tokens(call: Call) -> None:
    assert call("GET", "/Clients", authorization=f"Token {'a' * 40}").status == 403, (
        "our gateway response makes it a 401"
    )
    assert call("GET", "/Clients", authorization=None).status == 401


def test_a_token_with_the_read_role_can_only_read(call: Call, services: Services) -> None:
    reader = f"Token {make_token(services, 'boris', 'read')}"
    assert call("GET", "/Clients", authorization=reader).status == 200
    assert call("GET", "/Stats", authorization=reader).status == 200
    for method, path in (("POST", "/Clients"), ("PATCH", "/Clients/1"), ("DELETE", "/Mailing/1")):
        refused = call(method, path, authorization=reader)
        assert (refused.status, refused.json) == (403, {"detail": "This token may only read."})


def test_a_revoked_token_is_refused(call: Call, services: Services, token: str) -> None:
    revoke_token(services, digest(token))
    assert call("GET", "/Clients").status == 403


def test_the_published_token_works_only_on_the_local_stage(services: Services) -> None:
    assert digest(LOCAL_TOKEN) == LOCAL_TOKEN_DIGEST
    services.tokens.add(Token(LOCAL_TOKEN_DIGEST, Principal("adminaccount", ADMIN), services.clock.now()))
    assert authenticate(services, f"Token {LOCAL_TOKEN}").name == "adminaccount"
    services.settings = Settings(stage="prod", stack_name=services.settings.stack_name)
    with pytest.raises(NotAuthenticated):
        authenticate(services, f"Token {LOCAL_TOKEN}")


def test_an_unexpected_error_shows_no_internals(call: Call, services: Services) -> None:
    class Broken:
        def last_id(self, name: str) -> int:
            raise RuntimeError("secret table name")

    services.counters = Broken()  # type: ignore[assignment]
    answer = call("GET", "/Clients")
    assert (answer.status, answer.json) == (500, refusal(answer, "A server error occurred."))
