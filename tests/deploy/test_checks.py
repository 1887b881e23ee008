"""The checks before a deploy name all missing values at once, before anything is created."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
from functools import cached_property

import boto3
import pytest
from pynamodb.models import Model

from chalicelib.adapters import tables
from chalicelib.adapters.services import Services
from chalicelib.settings import Settings, read_settings
from infra.deploy import ROOT, DeployFailed
from infra.deploy.checks import check_account, read_parameters, stack_name_of
from infra.deploy.errors import StillWorking
from infra.deploy.openid import client_secret
from infra.deploy.stored_secrets import (
    KEY_OF_AWS,
    delete_secrets,
    encrypt_again,
    former_key,
    has_gateway_token,
    put_gateway_token,
    put_secrets,
    put_session_key,
    restored_after_failure,
)
from infra.deploy.template import table_names
from infra.local.doubles.aws import forget_connections

TEMPLATE = json.loads((ROOT / "infra" / "stack.json").read_text())
KNOWN = TEMPLATE["Parameters"]
GATEWAY = {"GATEWAY_URL": "https://sms.example.com"}


@pytest.mark.parametrize("stage", ["", "local", "Prod", "1st", "a" * 21, "a b", "../x"])
def test_an_invalid_name_of_a_stage_is_refused(stage: str) -> None:
    with pytest.raises(DeployFailed, match="a name such as prod"):
        stack_name_of(stage)


def test_every_resource_of_a_stage_has_the_name_of_the_stage() -> None:
    assert stack_name_of("test-2") == "notifications-test-2"


def test_parameters_are_read_from_variables_of_the_same_name() -> None:
    given = read_parameters({**GATEWAY, "SENDER_CONCURRENCY": "8", "HOME": "/", "STAGE": "x"}, KNOWN, None)
    assert given == {"GatewayUrl": "https://sms.example.com", "SenderConcurrency": "8"}


def test_a_deployed_parameter_need_not_be_given_again() -> None:
    assert read_parameters({}, KNOWN, {"GatewayUrl": "https://sms.example.com", "Stage": "prod"}) == {}


def test_all_errors_are_named_at_once() -> None:
    with pytest.raises(DeployFailed) as failed:
        read_parameters({"REPORT_TIME": "9", "REPORT_RECIPIENTS": "anna@example.com"}, KNOWN, None)
    text = str(failed.value)
    assert all(name in text for name in ("GATEWAY_URL", "REPORT_TIME", "REPORT_SENDER"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SENDER_CONCURRENCY", "eight"),
        ("SENDER_CONCURRENCY", "1"),
        ("SENDER_CONCURRENCY", "4.5"),
        ("JOBS_CONCURRENCY", "1001"),
        ("SENDER_RESERVED", "-1"),
        ("WARM_WRITES", "40k"),
        ("BUDGET_DOLLARS", "fifty"),
        ("API_RATE", "\u0661"),
    ],
)
def test_a_number_that_is_none_or_out_of_its_range_is_named_before_anything_is_stored(
    variable: str, value: str
) -> None:
    with pytest.raises(DeployFailed, match=f"^{variable}: "):
        read_parameters({**GATEWAY, variable: value}, KNOWN, None)


def test_numbers_of_the_template_and_amounts_are_taken() -> None:
    given = {"SENDER_CONCURRENCY": "2", "JOBS_CONCURRENCY": "1000", "WARM_WRITES": "40000", "BUDGET_DOLLARS": "49.99"}
    assert len(read_parameters({**GATEWAY, **given}, KNOWN, None)) == len(given) + 1


OPENID = {"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "sms", "OIDC_ROLE_CLAIM": "roles"}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"OIDC_ISSUER": "https://id.example.com"}, "OIDC_CLIENT_ID: expected.*OIDC_ROLE_CLAIM.*OIDC_ROLES"),
        ({**OPENID, "OIDC_ROLES": "admins=king"}, "OIDC_ROLES: a value and one of the roles"),
        ({**OPENID, "OIDC_ROLES": "admin"}, "OIDC_ROLES: a value and one of the roles"),
        ({**OPENID, "OIDC_ROLES": "a=admin", "OIDC_ISSUER": "http://id.example.com"}, "OIDC_ISSUER: https://"),
        ({**OPENID, "OIDC_ROLES": "a=admin", "OIDC_ISSUER": "http://127.0.0.1:9"}, "OIDC_ISSUER: https://"),
        ({**OPENID, "OIDC_ROLES": "a=admin", "OIDC_ISSUER": "id.example.com"}, "OIDC_ISSUER: the issuer"),
        ({"OIDC_ONLY": "true"}, "OIDC_ISSUER: expected"),
    ],
)
def test_settings_of_an_identity_provider_that_are_wrong_are_named(given: dict[str, str], error: str) -> None:
    with pytest.raises(DeployFailed, match=error):
        read_parameters({**GATEWAY, **given}, KNOWN, None)


def test_the_secret_of_the_identity_provider_is_expected_once(aws: None) -> None:
    settings = Settings(stack_name="notifications-prod", oidc_issuer="https://id.example.com", oidc_client_id="sms")
    with pytest.raises(DeployFailed, match="OIDC_CLIENT_SECRET: the secret of the client sms is expected once"):
        client_secret(settings, {})
    (name,) = client_secret(settings, {"OIDC_CLIENT_SECRET": "x"})
    boto3.client("ssm").put_parameter(Name=name, Value="x", Type="SecureString")
    assert client_secret(settings, {}) == {}
    assert client_secret(Settings(), {"OIDC_CLIENT_SECRET": "x"}) == {}
    delete_secrets("notifications-prod")
    with pytest.raises(DeployFailed):
        client_secret(settings, {})


def test_an_address_without_tls_is_refused_by_a_deploy() -> None:
    plain = {"GATEWAY_URL": "http://sms.example.com"}
    with pytest.raises(DeployFailed, match="GATEWAY_URL: https://"):
        read_parameters(plain, KNOWN, None)
    with pytest.raises(DeployFailed, match="GATEWAY_URL: https://"):
        read_parameters({}, KNOWN, {"GatewayUrl": "http://sms.example.com", "Stage": "prod"})
    allowed = read_parameters({**plain, "GATEWAY_PLAIN_HTTP": "true"}, KNOWN, None)
    assert read_parameters({}, KNOWN, allowed) == {}


def test_the_caller_of_a_deploy_is_known(aws: None) -> None:
    assert check_account().region == "eu-west-1"


def test_without_a_region_the_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    forget_connections()
    with pytest.raises(DeployFailed, match="set AWS_ACCESS_KEY_ID"):
        check_account()


def test_secrets_are_stored_encrypted_kept_and_deleted(aws: None) -> None:
    assert not has_gateway_token("notifications-prod")
    put_gateway_token("notifications-prod", "one")
    put_gateway_token("notifications-prod", "two")
    put_session_key("notifications-prod")
    put_session_key("notifications-prod")
    assert has_gateway_token("notifications-prod")
    assert not has_gateway_token("notifications")
    delete_secrets("notifications-prod")
    assert not has_gateway_token("notifications-prod")


def test_a_new_secret_is_encrypted_with_the_key_of_the_account(aws: None) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    put_gateway_token("notifications-prod", "one", key)
    put_session_key("notifications-prod")
    described = boto3.client("ssm").describe_parameters()["Parameters"]
    keys = {one["Name"].rpartition("/")[2]: one["KeyId"] for one in described}
    assert keys["gateway-token"] == key
    assert keys["session-key"] != key, "without a key it is AWS's own"


def test_stored_secrets_get_the_key_of_the_deploy_and_keep_their_values(aws: None) -> None:
    """A function may use the present key and one former key: without this, a second change would lose the secrets."""
    first, second = (boto3.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    ssm = boto3.client("ssm")
    put_gateway_token("notifications-prod", "one", first)
    put_gateway_token("notifications-prod-2", "two", first)
    for key, expected in ((second, second), ("", KEY_OF_AWS), (first, first)):
        encrypt_again("notifications-prod", key)
        keys = {one["Name"]: one["KeyId"] for one in ssm.describe_parameters()["Parameters"]}
        assert keys == {"/notifications-prod/gateway-token": expected, "/notifications-prod-2/gateway-token": first}
        assert value_of("/notifications-prod/gateway-token") == "one"


def test_a_key_that_is_changed_or_removed_is_kept_as_the_former_one() -> None:
    before = {"KmsKeyArn": "first"}
    assert former_key(before, {"KmsKeyArn": "second"}) == {"FormerKmsKeyArn": "first"}
    assert former_key(before, {"KmsKeyArn": ""}) == {"FormerKmsKeyArn": "first"}
    assert former_key(before, {}) == former_key(before, before) == {}
    assert former_key({"KmsKeyArn": "", "FormerKmsKeyArn": "first"}, {"KmsKeyArn": "second"}) == {}


def test_secrets_that_were_given_to_a_deploy_that_fails_get_their_former_values_again(aws: None) -> None:
    """The token of the new gateway would be refused by the old one, at which the service stays."""
    put_gateway_token("notifications-prod", "old")
    text = "the update failed. The given secrets are the former ones again"
    with pytest.raises(DeployFailed, match=re.escape(text)):
        deploy_with_a_new_token(DeployFailed("the update failed"))
    assert (value_of(TOKEN), value_of(OTHER_TOKEN)) == ("old", "new")


@pytest.mark.parametrize("error", [StillWorking("it may succeed"), KeyboardInterrupt()])
def test_secrets_of_a_deploy_whose_end_is_not_known_stay(aws: None, error: BaseException) -> None:
    put_gateway_token("notifications-prod", "old")
    with pytest.raises(type(error)):
        deploy_with_a_new_token(error)
    assert value_of(TOKEN) == "new"


TOKEN, OTHER_TOKEN = "/notifications-prod/gateway-token", "/notifications-prod/gateway-token-first"


def deploy_with_a_new_token(error: BaseException) -> None:
    with restored_after_failure([TOKEN, OTHER_TOKEN]):
        put_secrets("notifications-prod", {TOKEN: "new", OTHER_TOKEN: "new"}, receipts=False)
        raise error


def value_of(parameter: str) -> str:
    return str(boto3.client("ssm").get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])


def test_the_tables_of_a_stack_are_those_that_its_adapters_use(aws: None) -> None:
    for module in pkgutil.iter_modules(tables.__path__, f"{tables.__name__}."):
        importlib.import_module(module.name)
    services = Services(Settings(stack_name="notifications-prod"))
    for name, part in inspect.getmembers_static(Services):
        if isinstance(part, cached_property):
            getattr(services, name)
    rows = [row for row in Model.__subclasses__() if row.__module__.startswith(tables.__name__)]
    assert table_names("notifications-prod") == {row.Meta.table_name for row in rows}


def test_stop_words_outside_ascii_reach_cloudformation_as_json_in_ascii() -> None:
    words = "STOP,не присылайте"
    given = read_parameters({**GATEWAY, "STOP_WORDS": words}, KNOWN, None)["StopWords"]
    assert given.isascii()
    assert read_settings({"STOP_WORDS": given}).stop_words == tuple(words.split(","))
    assert read_parameters({**GATEWAY, "STOP_WORDS": "STOP,END"}, KNOWN, None)["StopWords"] == "STOP,END"
    assert read_parameters({**GATEWAY, "STOP_WORDS": "none"}, KNOWN, None)["StopWords"] == ""


@pytest.mark.parametrize("variable", ["GATEWAY_OPTIONS", "GATEWAYS"])
def test_json_outside_ascii_reaches_cloudformation_in_ascii(variable: str) -> None:
    """As question marks, the pattern would be refused by every later deploy."""
    options = {"fields": {"to": "{phone}", "text": "{text}"}, "answers": [{"matches": "Принято", "kind": "accepted"}]}
    one = {"name": "own", "gateway": "http", "url": "https://sms.example.com", "options": options}
    written = json.dumps(options if variable == "GATEWAY_OPTIONS" else [one], ensure_ascii=False)
    gateway = {**GATEWAY, "GATEWAY": "http"} if variable == "GATEWAY_OPTIONS" else {}
    given = read_parameters({**gateway, variable: written}, KNOWN, None)
    (value,) = (given[name] for name in ("GatewayOptions", "Gateways") if name in given)
    assert value.isascii()
    assert json.loads(value) == json.loads(written)
