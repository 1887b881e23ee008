"""Settings of the API that depend on the account or on each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.deploy import ROOT, DeployFailed
from infra.deploy.api_settings import access_logs, mark_callers
from infra.deploy.checks import read_parameters

KNOWN = json.loads((ROOT / "infra" / "stack.json").read_text())["Parameters"]
GATEWAY = {"GATEWAY_URL": "https://sms.example.com"}
DOMAIN = {"API_DOMAIN": "sms.example.com"}
CERTIFICATE = {"API_CERTIFICATE_ARN": "arn:aws:acm:eu-west-1:123456789012:certificate/1"}


class FakeApiGateway:
    def __init__(self, **account: str) -> None:
        self.account = account

    def get_account(self) -> dict[str, Any]:
        return {"throttleSettings": {}, **self.account}


def test_access_logs_are_on_where_api_gateway_has_a_role_for_them() -> None:
    assert access_logs(FakeApiGateway(cloudwatchRoleArn="arn:role"), {}) == ({"AccessLogs": "true"}, [])


def test_without_such_a_role_the_deploy_goes_on_without_access_logs_and_asks_again_next_time() -> None:
    changed, notes = access_logs(FakeApiGateway(), {"AccessLogs": "auto"})
    assert changed == {}
    assert "no role for logs" in notes[0]


@pytest.mark.parametrize("wish", ["true", "false"])
def test_the_wish_of_a_person_is_not_questioned(wish: str) -> None:
    assert access_logs(None, {"AccessLogs": wish}) == ({}, [])


def test_a_caller_who_may_not_read_the_account_deploys_without_access_logs() -> None:
    class Closed(FakeApiGateway):
        def get_account(self) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetAccount")

    changed, notes = access_logs(Closed(), {})
    assert (changed, len(notes)) == ({}, 1)


@pytest.mark.parametrize(("given", "missing"), [(DOMAIN, "API_CERTIFICATE_ARN"), (CERTIFICATE, "API_DOMAIN")])
def test_a_domain_and_its_certificate_are_expected_together(given: dict[str, str], missing: str) -> None:
    with pytest.raises(DeployFailed, match=f"{missing}: expected together"):
        read_parameters({**GATEWAY, **given}, KNOWN, None)
    assert read_parameters({**GATEWAY, **DOMAIN, **CERTIFICATE}, KNOWN, None)["ApiDomain"] == "sms.example.com"


def test_none_removes_an_optional_value_and_is_a_plain_value_elsewhere() -> None:
    before = {"GatewayUrl": "https://sms.example.com", "ApiDomain": "a.example", "ApiCertificateArn": "arn:x"}
    removed = read_parameters({"API_DOMAIN": "none", "API_CERTIFICATE_ARN": "none"}, KNOWN, before)
    assert removed == {"ApiDomain": "", "ApiCertificateArn": ""}
    assert read_parameters({"TRACING": "none"}, KNOWN, before) == {"Tracing": "none"}


def template() -> dict[str, Any]:
    return {"Resources": {"RestAPI": {"Properties": {"DefinitionBody": {"info": {"title": "x"}}}}}}


def test_a_change_of_the_allowed_callers_changes_the_text_of_the_api() -> None:
    one, other, everyone = template(), template(), template()
    mark_callers(one, {"ApiAllowedCidrs": "203.0.113.0/24"})
    mark_callers(other, {"ApiAllowedCidrs": "198.51.100.7/32"})
    mark_callers(everyone, {})
    assert one != other
    assert everyone == template()
