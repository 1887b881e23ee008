"""AWS End User Messaging SMS: docs/gateways/aws.md. The forms are those of pinpoint-sms-voice-v2 in botocore."""

from __future__ import annotations

import json
from uuid import UUID

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.port import Options, Sms

from .case import PLAIN, SMS, Case, Expected, Table
from .form import Form, Received, digits_of, lifetime_of, require

ADDRESS = "https://sms-voice.eu-central-1.amazonaws.com"
SIGNED = "AWS4-HMAC-SHA256 Credential="
WRONG_NUMBER = "the number is wrong"
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage"}
OPTIONS = {"configuration_set": "mailings", "max_price": "0.08", "message_type": "PROMOTIONAL"}


def error(kind: str, reason: str | None = None, prefix: str = "", **members: object) -> str:
    body: dict[str, object] = {"__type": prefix + kind, "Message": "About +79774053329"}
    return json.dumps({**body, **({"Reason": reason} if reason else {}), **members})


def invalid(reason: str, *fields: str) -> str:
    named = [{"Name": field, "Message": "About +79774053329"} for field in fields]
    return error("ValidationException", reason, Fields=named)


def refusals(kind: Kind, exception: str, reasons: dict[str, str]) -> tuple[Case, ...]:
    return tuple(Case(name, 400, error(exception, reason), kind) for reason, name in reasons.items())


TABLE = Table(
    Options(ADDRESS, OPTIONS),
    "",
    posts=(
        Expected(
            SMS,
            f"{ADDRESS}/",
            r'{"DestinationPhoneNumber": "+79774053329", "MessageBody": "\u0414\u0430 & \u043d\u0435\u0442", '
            r'"OriginationIdentity": "SHOP", "TimeToLive": 3600, "ConfigurationSetName": "mailings", '
            r'"MaxPrice": "0.08", "MessageType": "PROMOTIONAL", "Context": {"mid": "120000000345"}}',
            HEADERS,
        ),
        Expected(
            PLAIN,
            f"{ADDRESS}/",
            '{"DestinationPhoneNumber": "+79774053329", "MessageBody": "Sale", "ConfigurationSetName": "mailings", '
            '"MaxPrice": "0.08", "MessageType": "PROMOTIONAL", "Context": {"mid": "120000000345"}}',
            HEADERS,
        ),
    ),
    answers=(
        Case("the message is accepted", 200, '{"MessageId": "0a1b2c3d-0000-0000-0000-000000000001"}', Kind.ACCEPTED),
        Case("a success without an id", 200, "{}", Kind.AMBIGUOUS),
        Case("a success that cannot be read", 200, "<html>", Kind.AMBIGUOUS),
        Case("an error in a success", 200, error("ThrottlingException"), Kind.AMBIGUOUS),
        Case("too fast", 400, error("ThrottlingException"), Kind.THROTTLED),
        Case("too fast, by the status too", 429, error("ThrottlingException"), Kind.THROTTLED),
        Case(
            "too fast, with the name of its service", 400, error("ThrottlingException", prefix="a.b#"), Kind.THROTTLED
        ),
        *refusals(
            Kind.BALANCE,
            "ServiceQuotaExceededException",
            {
                "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": "the spend limit of the month is reached",
                "A_QUOTA_OF_TOMORROW": "a quota that is not documented",
            },
        ),
        Case("a quota without a reason", 400, error("ServiceQuotaExceededException"), Kind.BALANCE),
        *refusals(
            Kind.CREDENTIALS,
            "AccessDeniedException",
            {
                "INSUFFICIENT_ACCOUNT_REPUTATION": "the account has a bad reputation",
                "ACCOUNT_DISABLED": "the account is disabled",
            },
        ),
        Case("the role may not send", 400, error("AccessDeniedException"), Kind.CREDENTIALS),
        Case("the token has expired", 400, error("ExpiredTokenException"), Kind.CREDENTIALS),
        Case("the key is unknown", 400, error("UnrecognizedClientException"), Kind.CREDENTIALS),
        Case("the signature is wrong", 400, error("InvalidSignatureException"), Kind.CREDENTIALS),
        Case("the signature is not complete", 400, error("IncompleteSignatureException"), Kind.CREDENTIALS),
        Case("there is no signature", 403, error("MissingAuthenticationTokenException"), Kind.CREDENTIALS),
        Case("a refusal of the network's policy", 403, "", Kind.CREDENTIALS),
        Case("there is no such number", 400, error("ResourceNotFoundException", ResourceType="pool"), Kind.SENDER),
        Case("there is no such operation", 404, error("UnknownOperationException"), Kind.SENDER),
        Case(
            "the recipient has opted out",
            400,
            error("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"),
            Kind.OPTED_OUT,
        ),
        *refusals(
            Kind.SENDER,
            "ConflictException",
            {
                "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": "the account is in the sandbox",
                "NO_ORIGINATION_IDENTITIES_FOUND": "the account has no number",
                "MESSAGE_TYPE_MISMATCH": "the number is not for this type of message",
                "NUMBER_CAPABILITIES_MISMATCH": "the number cannot send messages",
                "RESOURCE_NOT_ACTIVE": "the number is not active",
                "REGISTRATION_NOT_COMPLETE": "the registration is not complete",
                "OPT_OUT_LIST_MISMATCH": "the list of opt-outs is another one",
                "A_CONFLICT_OF_TOMORROW": "a conflict that is not documented",
            },
        ),
        *refusals(
            Kind.PERMANENT,
            "ConflictException",
            {
                "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": "the account blocks the country",
                "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": "the account blocks the number",
            },
        ),
        *refusals(
            Kind.PERMANENT,
            "ValidationException",
            {
                "COUNTRY_NOT_ENABLED": "the country is not enabled",
                "DESTINATION_COUNTRY_BLOCKED": "the country is blocked",
                "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": "the sender is not for this country",
                "INTERNATIONAL_SENDING_NOT_SUPPORTED": "the sender is for its own country only",
                "PRICE_OVER_THRESHOLD": "the price is above the option",
                "OTHER": "another reason",
                "A_REASON_OF_TOMORROW": "a reason that is not documented",
            },
        ),
        *refusals(
            Kind.SENDER,
            "ValidationException",
            {
                "SENDER_ID_NOT_REGISTERED": "the sender name is not registered",
                "SENDER_ID_NOT_SUPPORTED": "the country knows no sender names",
                "SENDER_ID_REQUIRES_REGISTRATION": "the sender name needs a registration",
                "RESOURCE_NOT_ACCESSIBLE": "the number is of another account",
                "INVALID_ARN": "the sender is no ARN",
                "PARAMETERS_CANNOT_BE_USED_TOGETHER": "the options exclude each other",
            },
        ),
        Case(WRONG_NUMBER, 400, invalid("FIELD_VALIDATION_FAILED", "DestinationPhoneNumber"), Kind.PERMANENT),
        Case("the text is wrong", 400, invalid("INVALID_PARAMETER", "MessageBody"), Kind.PERMANENT),
        Case("the sender is wrong", 400, invalid("FIELD_VALIDATION_FAILED", "OriginationIdentity"), Kind.SENDER),
        Case("number and sender are wrong", 400, invalid("INVALID_PARAMETER", "MessageBody", "MaxPrice"), Kind.SENDER),
        Case("a wrong field without a name", 400, invalid("MISSING_PARAMETER"), Kind.PERMANENT),
        Case("fields of another form", 400, error("ValidationException", "CANNOT_PARSE", Fields="x"), Kind.PERMANENT),
        Case("a wrong field without a reason", 400, error("ValidationException"), Kind.PERMANENT),
        Case("an error that is not documented", 400, error("TeapotException"), Kind.PERMANENT),
        Case("a refusal that cannot be read", 400, "<html>", Kind.PERMANENT),
        Case("a fault of AWS", 500, error("InternalServerException", RequestId="r"), Kind.AMBIGUOUS),
        Case("a fault with the status of a refusal", 400, error("InternalServerException"), Kind.AMBIGUOUS),
        Case("a fault of its load balancer", 502, "", Kind.AMBIGUOUS),
        Case("not available", 503, "<html>", Kind.AMBIGUOUS),
        Case("not available, with a pause", 503, "", Kind.TEMPORARY, retry_after=5.0, header="5"),
    ),
)


def read_post(post: Received) -> Sms:
    """It does not check the signature: any credentials of a local stack are good."""
    require(post.headers.get("X-Amz-Target") == HEADERS["X-Amz-Target"], "there is no such operation")
    require(post.headers.get("Authorization", "").startswith(SIGNED), "there is no signature")
    body = post.json()
    phone, text = digits_of(body.get("DestinationPhoneNumber"), WRONG_NUMBER, "+"), body.get("MessageBody")
    require(isinstance(text, str) and text, "the text is wrong")
    number = body.get("Context", {}).get("mid", "")
    require(number.isascii() and number.isdigit(), "a wrong field without a name")
    return Sms(int(number), phone, text, body.get("OriginationIdentity", ""), lifetime_of(body, "TimeToLive", 1))


def accept(_: Sms, number: int) -> str:
    return json.dumps({"MessageId": str(UUID(int=number))})


def receipts_address(post: Received) -> str:
    """Of the events: the context of the post comes back in them."""
    return json.dumps(post.json().get("Context", {}))


FORM = Form(
    "/",
    read_post,
    accept,
    {
        "unauthorized": "the signature is wrong",
        "error_rate": "a fault of AWS",
        "refuse": WRONG_NUMBER,
        "fail_for": "a fault of AWS",
        "garbage": "a success that cannot be read",
    },
    receipts_address,
)
