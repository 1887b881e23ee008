"""What the table of AWS cannot say: it gets what botocore would send, and each error of botocore's model has a kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import Session

from chalicelib.domain.outcome import Kind
from chalicelib.errors import BadSettings
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.aws import BY_FIELD, CAPABILITIES, KINDS, REASONS, Aws
from chalicelib.gateways.aws_signature import Credentials, signed
from chalicelib.gateways.port import Options
from chalicelib.settings import read_settings
from infra.local.providers.aws import ADDRESS, HEADERS, OPTIONS, error
from infra.local.providers.case import PLAIN, SMS

from .contract_gateway import NOW

MODEL = Path(botocore.__file__).parent / "data" / "pinpoint-sms-voice-v2" / "2022-03-31" / "service-2.json.gz"
SERVICE = json.loads(gzip.decompress(MODEL.read_bytes()))
SHAPES = SERVICE["shapes"]
OF_AWS_FOR_EVERY_SERVICE = {name for name in KINDS if name not in SHAPES}

OF_SENDING = {
    Kind.OPTED_OUT: "DESTINATION_PHONE_NUMBER_OPTED_OUT",
    Kind.CREDENTIALS: "ACCOUNT_DISABLED INSUFFICIENT_ACCOUNT_REPUTATION",
    Kind.BALANCE: "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT",
    Kind.PERMANENT: """
        CANNOT_PARSE COUNTRY_CODE_MISMATCH COUNTRY_NOT_ENABLED DESTINATION_COUNTRY_BLOCKED
        DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION
        DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE FIELD_VALIDATION_FAILED
        INTERNATIONAL_SENDING_NOT_SUPPORTED INVALID_IDENTITY_FOR_DESTINATION_COUNTRY INVALID_PARAMETER INVALID_REQUEST
        MAXIMUM_SIZE_EXCEEDED MISSING_PARAMETER OTHER PRICE_OVER_THRESHOLD""",
    Kind.SENDER: """
        CHANNEL_NOT_ENABLED DESTINATION_PHONE_NUMBER_NOT_VERIFIED INVALID_ARN MESSAGE_TYPE_MISMATCH
        NO_ORIGINATION_IDENTITIES_FOUND NUMBER_CAPABILITIES_MISMATCH OPT_OUT_LIST_MISMATCH
        PARAMETERS_CANNOT_BE_USED_TOGETHER REGISTRATION_NOT_COMPLETE RESOURCE_NOT_ACCESSIBLE RESOURCE_NOT_ACTIVE
        SENDER_ID_NOT_REGISTERED SENDER_ID_NOT_SUPPORTED SENDER_ID_REQUIRES_REGISTRATION UNKNOWN_OPERATION
        UNSPECIFIED_PARAMETER_NOT_SUPPORTED""",
}
OF_OTHER_OPERATIONS = """
    ASSOCIATIONS_PER_REGISTRATION ATTACHMENT_TYPE_NOT_SUPPORTED CANNOT_ADD_OPTED_OUT_NUMBER
    CONFIGURATION_SETS_PER_ACCOUNT CREATE_REGISTRATION_VERSION_NOT_ALLOWED DAILY_DESTINATION_CALL_LIMIT
    DAILY_NOTIFY_TIER_MESSAGE_LIMIT DELETION_PROTECTION_ENABLED DISASSOCIATE_REGISTRATION_NOT_ALLOWED
    DISCARD_REGISTRATION_VERSION_NOT_ALLOWED EDIT_REGISTRATION_FIELD_VALUES_NOT_ALLOWED
    EVENT_DESTINATIONS_PER_CONFIGURATION_SET EVENT_DESTINATION_MISMATCH INVALID_FILTER_VALUES INVALID_NEXT_TOKEN
    INVALID_REGISTRATION_ASSOCIATION KEYWORDS_PER_PHONE_NUMBER KEYWORDS_PER_POOL KEYWORD_MISMATCH LAST_PHONE_NUMBER
    MEDIA_TYPE_NOT_SUPPORTED MONTHLY_SPEND_LIMIT_REACHED_FOR_MEDIA MONTHLY_SPEND_LIMIT_REACHED_FOR_NOTIFY
    MONTHLY_SPEND_LIMIT_REACHED_FOR_RCS MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE NOTIFY_CONFIGURATIONS_PER_ACCOUNT
    NOTIFY_CONFIGURATION_NOT_ACTIVE OPT_OUT_LISTS_PER_ACCOUNT ORIGINATION_IDENTITIES_PER_POOL
    PHONE_NUMBERS_PER_ACCOUNT PHONE_NUMBERS_PER_REGISTRATION PHONE_NUMBER_ASSOCIATED_TO_POOL
    PHONE_NUMBER_ASSOCIATED_TO_REGISTRATION PHONE_NUMBER_CANNOT_BE_OPTED_IN PHONE_NUMBER_CANNOT_BE_RELEASED
    PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL PHONE_NUMBER_NOT_IN_REGISTRATION_REGION POOLS_PER_ACCOUNT
    POOL_ASSOCIATED_TO_NOTIFY_CONFIGURATION PROTECT_CONFIGURATIONS_PER_ACCOUNT
    PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT
    PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET RCS_AGENTS_PER_ACCOUNT
    RCS_AGENT_ALREADY_ASSOCIATED_TO_REGISTRATION_TYPE RCS_AGENT_ASSOCIATED_TO_POOL REGISTRATIONS_PER_ACCOUNT
    REGISTRATION_ALREADY_SUBMITTED REGISTRATION_ATTACHMENTS_CREATED_PER_DAY REGISTRATION_ATTACHMENTS_PER_ACCOUNT
    REGISTRATION_FIELD_CANNOT_BE_DELETED REGISTRATION_VERSIONS_CREATED_PER_DAY
    REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT RESOURCE_ALREADY_ASSOCIATED RESOURCE_ALREADY_EXISTS
    RESOURCE_DELETION_NOT_ALLOWED RESOURCE_MODIFICATION_NOT_ALLOWED RESOURCE_NOT_EMPTY SELF_MANAGED_OPT_OUTS_MISMATCH
    SENDER_IDS_PER_ACCOUNT SENDER_ID_ASSOCIATED_TO_POOL SUBMIT_REGISTRATION_VERSION_NOT_ALLOWED TAGS_PER_RESOURCE
    TWO_WAY_CHANNEL_NOT_PRESENT TWO_WAY_CONFIG_MISMATCH TWO_WAY_NOT_ENABLED TWO_WAY_NOT_SUPPORTED_IN_COUNTRY
    TWO_WAY_NOT_SUPPORTED_IN_REGION TWO_WAY_TOPIC_NOT_PRESENT UNKNOWN_REGISTRATION_FIELD UNKNOWN_REGISTRATION_SECTION
    UNKNOWN_REGISTRATION_TYPE UNKNOWN_REGISTRATION_VERSION VERIFICATION_ALREADY_COMPLETE VERIFICATION_ATTEMPTS_PER_DAY
    VERIFICATION_CODE_EXPIRED VERIFICATION_CODE_MISMATCH VERIFIED_DESTINATION_NUMBERS_PER_ACCOUNT
    VOICE_CAPABILITY_NOT_AVAILABLE"""
"""A send does not answer with them, as their names say."""


class Sent(Exception):
    """Carries the request that a client of botocore was about to send."""


def sent_by_botocore(**named: Any) -> Any:
    def stop(request: Any, **_: Any) -> AWSResponse:
        raise Sent(request)

    session = Session()
    session.set_credentials("AKIDEXAMPLE", "secret", "token")
    client = session.create_client(
        "pinpoint-sms-voice-v2", region_name="eu-central-1", config=Config(retries={"total_max_attempts": 1})
    )
    client.meta.events.register("before-send", stop)
    with pytest.raises(Sent) as stopped:
        client.send_text_message(**named)
    return stopped.value.args[0]


def text_of(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def outcome_of(body: str) -> Kind:
    return Aws(Options(ADDRESS)).outcome(Answer(400, body), NOW).kind


@pytest.mark.parametrize("sms", [SMS, PLAIN])
def test_a_post_is_byte_for_byte_what_a_client_of_botocore_sends(monkeypatch: pytest.MonkeyPatch, sms: Any) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    ours = Aws(Options(ADDRESS, OPTIONS)).request(sms, "")
    theirs = sent_by_botocore(**json.loads(ours.body))
    assert (ours.url, ours.body) == (theirs.url, theirs.body)
    moment = text_of(theirs.headers["X-Amz-Date"])
    again = signed(
        ours.url, ours.body, HEADERS, "eu-central-1", "sms-voice", Credentials("AKIDEXAMPLE", "secret", "token"), moment
    )
    assert again == {name: text_of(theirs.headers[name]) for name in again}
    assert again.keys() == ours.headers.keys()
    of_the_client = {"User-Agent", "amz-sdk-invocation-id", "amz-sdk-request", "Content-Length"}
    assert set(theirs.headers.keys()) - set(again) == of_the_client


def test_credentials_without_an_end_have_no_token() -> None:
    headers = signed(
        f"{ADDRESS}/",
        b"{}",
        HEADERS,
        "eu-central-1",
        "sms-voice",
        Credentials("AKID", "secret", None),
        "20261127T041324Z",
    )
    assert "X-Amz-Security-Token" not in headers
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target," in headers["Authorization"]


@pytest.mark.parametrize(
    ("url", "region", "address"),
    [
        (CAPABILITIES.url, "us-west-2", "https://sms-voice.us-west-2.amazonaws.com/"),
        (ADDRESS, "eu-central-1", f"{ADDRESS}/"),
        (
            "https://sms-voice-fips.us-east-1.amazonaws.com",
            "us-east-1",
            "https://sms-voice-fips.us-east-1.amazonaws.com/",
        ),
        (
            "https://vpce-1.sms-voice.eu-west-1.vpce.amazonaws.com",
            "eu-west-1",
            "https://vpce-1.sms-voice.eu-west-1.vpce.amazonaws.com/",
        ),
        ("http://127.0.0.1:9000", "us-west-2", "http://127.0.0.1:9000/"),
    ],
)
def test_the_region_is_that_of_the_address_or_of_the_lambda(
    monkeypatch: pytest.MonkeyPatch, url: str, region: str, address: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    post = Aws(Options(url)).request(PLAIN, "")
    assert post.url == address
    assert f"/{region}/sms-voice/aws4_request," in post.headers["Authorization"]


def test_without_settings_the_address_is_that_of_the_region_and_needs_no_secret() -> None:
    settings = read_settings({"GATEWAY": "aws"})
    assert settings.gateway_url == "https://sms-voice.{region}.amazonaws.com"
    assert (settings.gateway_by_name["aws"].capabilities.key_form, settings.gateway_dedupes) == ("", False)


def test_without_credentials_nothing_is_posted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BadSettings, match="there are no credentials of AWS"):
        Aws(Options(ADDRESS)).request(PLAIN, "")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"message_type": "NEWS"}, "GATEWAY_OPTIONS: message_type: TRANSACTIONAL or PROMOTIONAL is expected"),
        ({"max_price": "1"}, "GATEWAY_OPTIONS: max_price: dollars for each part, such as 0.05, is expected"),
        ({"max_price": 0.05}, "GATEWAY_OPTIONS: max_price: "),
        ({"configuration_set": ""}, "GATEWAY_OPTIONS: configuration_set: a name is expected"),
    ],
)
def test_a_wrong_option_is_named(options: Mapping[str, object], problem: str) -> None:
    with pytest.raises(BadSettings, match=problem):
        Aws(Options(ADDRESS, options))


def test_the_limits_are_those_of_the_model() -> None:
    fields = SHAPES["SendTextMessageRequest"]["members"]
    shape = {name: SHAPES[field["shape"]] for name, field in fields.items()}
    seconds = [
        json.loads(Aws(Options(ADDRESS)).request(replace(SMS, lifetime=most), "").body)["TimeToLive"]
        for most in (1.0, 1e6)
    ]
    assert seconds == [shape["TimeToLive"]["min"], shape["TimeToLive"]["max"]]
    assert shape["MessageType"]["enum"] == ["TRANSACTIONAL", "PROMOTIONAL"]
    assert (shape["MaxPrice"]["pattern"], shape["MaxPrice"]["min"], shape["MaxPrice"]["max"]) == (
        r"[0-9]{0,2}\.[0-9]{1,5}",
        2,
        8,
    )
    assert shape["ConfigurationSetName"]["max"] == 256


def test_every_error_of_sending_has_a_kind() -> None:
    errors = {one["shape"] for one in SERVICE["operations"]["SendTextMessage"]["errors"]}
    assert errors == set(KINDS) - OF_AWS_FOR_EVERY_SERVICE


def reasons_of(exception: str) -> set[str]:
    member = SHAPES[exception]["members"].get("Reason")
    return set(SHAPES[member["shape"]]["enum"]) if member else set()


def test_every_reason_of_the_model_has_been_looked_at() -> None:
    """With a new botocore this fails for each new reason: decide whether REASONS needs it."""
    of_model = set().union(*map(reasons_of, set(KINDS) - OF_AWS_FOR_EVERY_SERVICE))
    of_sending = set(" ".join(OF_SENDING.values()).split())
    assert of_sending | set(OF_OTHER_OPERATIONS.split()) == of_model
    assert set(REASONS) | BY_FIELD <= of_sending


@pytest.mark.parametrize(("kind", "reasons"), OF_SENDING.items(), ids=lambda value: getattr(value, "value", ""))
def test_every_reason_of_sending_has_its_kind(kind: Kind, reasons: str) -> None:
    for reason in reasons.split():
        (exception,) = [name for name in KINDS if name in SHAPES and reason in reasons_of(name)]
        assert outcome_of(error(exception, reason)) == kind, reason


def test_a_reason_of_aws_is_shown() -> None:
    answer = Answer(400, error("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"))
    reason = str(Aws(Options(ADDRESS)).outcome(answer, NOW).reason)
    assert reason == "The recipient has unsubscribed at the gateway (400, code DESTINATION_PHONE_NUMBER_OPTED_OUT)."
