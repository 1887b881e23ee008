"""The alarms of the API go off when it or its authorizer fails, and not for refused requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.mailing_row import MailingRow
from chalicelib.adapters.tables.tokens import TokenRow
from chalicelib.api.authorizer import token_auth
from chalicelib.runtime import InvocationFailed
from infra.local.doubles.cloudwatch import CloudWatch, alarms_of

from .conftest import Call

STACK_NAME = "notifications-prod"
TEMPLATE = Path(__file__).parents[2] / "infra" / "stack.json"
API = {"ApiName": STACK_NAME, "Stage": "api"}
MINUTES = 5
VALID = {"type": "TOKEN", "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/api/GET/Stats"}


@pytest.fixture
def cloudwatch() -> CloudWatch:
    return CloudWatch(alarms_of(json.loads(TEMPLATE.read_text(encoding="utf-8")), STACK_NAME))


def watch(cloudwatch: CloudWatch, request: Callable[[datetime], None]) -> set[str]:
    """Make a request in each of five minutes. Returns the alarms that have gone off."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for minute in range(MINUTES):
        request(now + minute * timedelta(minutes=1))
    cloudwatch.evaluate(now + MINUTES * timedelta(minutes=1))
    return cloudwatch.gone_off()


def answered(cloudwatch: CloudWatch, call: Call, path: str, **named: Any) -> Callable[[datetime], None]:
    """API Gateway counts 5xx of the function, and 500 for itself if the authorizer fails."""

    def request(now: datetime) -> None:
        status = call("GET", path, **named).status
        cloudwatch.put(now, "AWS/ApiGateway", "5XXError", API, float(status >= 500))

    return request


def authorized(cloudwatch: CloudWatch, token: str) -> Callable[[datetime], None]:
    def request(now: datetime) -> None:
        try:
            failed = not token_auth({**VALID, "authorizationToken": f"Token {token}"}, None)
        except InvocationFailed:
            failed = True
        cloudwatch.put(now, "AWS/Lambda", "Errors", {"FunctionName": "TokenAuth"}, float(failed))

    return request


def lose_table(model: Any) -> None:
    aws.client("dynamodb").delete_table(TableName=model.Meta.table_name)


def test_an_api_that_cannot_read_its_table_raises_an_alarm(cloudwatch: CloudWatch, call: Call) -> None:
    assert call("GET", "/Mailing").status == 200
    lose_table(MailingRow)
    assert watch(cloudwatch, answered(cloudwatch, call, "/Mailing/1")) == {"ApiErrorsAlarm"}


def test_an_authorizer_that_cannot_read_its_table_raises_an_alarm(cloudwatch: CloudWatch, token: str) -> None:
    lose_table(TokenRow)
    assert watch(cloudwatch, authorized(cloudwatch, token)) == {"TokenAuthErrorsAlarm"}


@pytest.mark.parametrize(("path", "named"), [("/Mailing/7", {}), ("/Stats", {"authorization": "Token " + 40 * "0"})])
def test_refused_requests_raise_no_alarm(cloudwatch: CloudWatch, call: Call, path: str, named: dict[str, str]) -> None:
    assert watch(cloudwatch, answered(cloudwatch, call, path, **named)) == set()


def test_an_unknown_token_is_no_error_of_the_authorizer(cloudwatch: CloudWatch, services: Services) -> None:
    assert watch(cloudwatch, authorized(cloudwatch, 40 * "0")) == set()
