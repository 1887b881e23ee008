"""AWS End User Messaging SMS, version 2, signed by the role of the Lambda. docs/gateways/aws.md.

A post as at the other providers, and no call of botocore's client: one deadline bounds it, and nothing repeats it.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from ..domain.outcome import Kind, Outcome
from ..errors import BadSettings
from .answer import Answer, json_of, outcome_by_code, outcome_of_status
from .aws_signature import Credentials, signed
from .port import Capabilities, Options, Request, Sms, whole_lifetime

CAPABILITIES = Capabilities(
    url="https://sms-voice.{region}.amazonaws.com",
    key_form="",
    options=("configuration_set", "max_price", "message_type"),
)

SERVICE = "sms-voice"
REGION = re.compile(r"(?:^|\.)sms-voice(?:-fips)?\.([a-z0-9-]+)\.")
"""In the name of a host of the service."""

SHORTEST_LIFETIME, LONGEST_LIFETIME = 5, 259_200
"""Seconds."""

HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage"}

OPTIONS = {
    "configuration_set": ("ConfigurationSetName", re.compile(r"[A-Za-z0-9_:/-]{1,256}"), "a name"),
    "max_price": ("MaxPrice", re.compile(r"(?=.{2,8}$)[0-9]{0,2}\.[0-9]{1,5}"), "dollars for each part, such as 0.05,"),
    "message_type": ("MessageType", re.compile("TRANSACTIONAL|PROMOTIONAL"), "TRANSACTIONAL or PROMOTIONAL"),
}

OF_MESSAGE = {"DestinationPhoneNumber", "MessageBody"}
"""The fields that differ between the messages of a mailing."""

BY_FIELD = {
    "CANNOT_PARSE",
    "FIELD_VALIDATION_FAILED",
    "INVALID_PARAMETER",
    "INVALID_REQUEST",
    "MAXIMUM_SIZE_EXCEEDED",
    "MISSING_PARAMETER",
}
"""Reasons of a ValidationException for which the named fields decide."""

KINDS = {
    "AccessDeniedException": Kind.CREDENTIALS,
    "ConflictException": Kind.SENDER,
    "InternalServerException": Kind.AMBIGUOUS,
    "ResourceNotFoundException": Kind.SENDER,
    "ServiceQuotaExceededException": Kind.BALANCE,
    "ThrottlingException": Kind.THROTTLED,
    "ValidationException": Kind.PERMANENT,
    # of all services of AWS
    "AccessDenied": Kind.CREDENTIALS,
    "ExpiredToken": Kind.CREDENTIALS,
    "ExpiredTokenException": Kind.CREDENTIALS,
    "IncompleteSignature": Kind.CREDENTIALS,
    "IncompleteSignatureException": Kind.CREDENTIALS,
    "InvalidClientTokenId": Kind.CREDENTIALS,
    "InvalidSignatureException": Kind.CREDENTIALS,
    "MissingAuthenticationToken": Kind.CREDENTIALS,
    "MissingAuthenticationTokenException": Kind.CREDENTIALS,
    "NotAuthorized": Kind.CREDENTIALS,
    "OptInRequired": Kind.CREDENTIALS,
    "RequestExpired": Kind.CREDENTIALS,
    "SignatureDoesNotMatch": Kind.CREDENTIALS,
    "UnrecognizedClientException": Kind.CREDENTIALS,
    "UnknownOperationException": Kind.SENDER,
}
"""By type, for every reason that REASONS does not have."""

REASONS = {
    "CHANNEL_NOT_ENABLED": Kind.SENDER,
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": Kind.PERMANENT,
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": Kind.PERMANENT,
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": Kind.OPTED_OUT,
    "INVALID_ARN": Kind.SENDER,
    "PARAMETERS_CANNOT_BE_USED_TOGETHER": Kind.SENDER,
    "RESOURCE_NOT_ACCESSIBLE": Kind.SENDER,
    "SENDER_ID_NOT_REGISTERED": Kind.SENDER,
    "SENDER_ID_NOT_SUPPORTED": Kind.SENDER,
    "SENDER_ID_REQUIRES_REGISTRATION": Kind.SENDER,
    "UNKNOWN_OPERATION": Kind.SENDER,
    "UNSPECIFIED_PARAMETER_NOT_SUPPORTED": Kind.SENDER,
}
"""Source: service-2.json of pinpoint-sms-voice-v2 in botocore. A test compares both."""


class Aws:
    """Threads share it."""

    def __init__(self, options: Options) -> None:
        self._url = options.url
        self._stack = {"stack": options.stack_name} if options.stack_name else {}
        self._fields = dict(_field(name, value) for name, value in options.values.items() if name in OPTIONS)

    def request(self, sms: Sms, secret: str) -> Request:  # noqa: ARG002 (the role signs)
        """`Context` comes back in the events of the message. Raises BadSettings without credentials."""
        body: dict[str, Any] = {"DestinationPhoneNumber": f"+{sms.phone_number}", "MessageBody": sms.text}
        if sms.sender:
            body["OriginationIdentity"] = sms.sender
        seconds = whole_lifetime(sms.lifetime, 1, SHORTEST_LIFETIME, LONGEST_LIFETIME)
        if seconds is not None:
            body["TimeToLive"] = seconds
        url = f"{self._address}/"
        context = {"mid": str(sms.id), **self._stack}
        raw = json.dumps({**body, **self._fields, "Context": context}).encode()
        return Request(url, raw, signed(url, raw, HEADERS, self._region, SERVICE, self._credentials()))

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        body = json_of(answer)
        if answer.status == 200 and body.get("MessageId"):
            return Outcome(Kind.ACCEPTED)
        error = str(body.get("__type", "")).rpartition("#")[2]
        if error not in KINDS or answer.status is None or answer.status < 400:
            return outcome_of_status(answer, now)
        reason = body.get("Reason")
        code = reason if isinstance(reason, str) else error.removesuffix("Exception")
        return outcome_by_code(_kind(error, code, body.get("Fields")), answer, code, now)

    @cached_property
    def _session(self) -> Any:
        import botocore.session

        return botocore.session.get_session()  # type: ignore[no-untyped-call]

    @cached_property
    def _region(self) -> str:
        found = REGION.search(urlsplit(self._url).hostname or "")
        return found[1] if found else str(self._session.get_config_variable("region"))

    @cached_property
    def _address(self) -> str:
        return self._url.replace("{region}", self._region)

    def _credentials(self) -> Credentials:
        """Those of the role. Botocore renews them before they expire."""
        from botocore.exceptions import BotoCoreError

        try:
            found = self._session.get_credentials()
            frozen = found and found.get_frozen_credentials()
        except BotoCoreError as error:
            raise BadSettings(f"the credentials of AWS are not readable, {type(error).__name__}") from error
        if not frozen:
            raise BadSettings("there are no credentials of AWS")
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


make_adapter = Aws


def _field(name: str, value: object) -> tuple[str, str]:
    field, form, expected = OPTIONS[name]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BadSettings(f"GATEWAY_OPTIONS: {name}: {expected} is expected")
    return field, value


def _kind(error: str, reason: str, fields: object) -> Kind:
    if reason not in BY_FIELD:
        return REASONS.get(reason, KINDS[error])
    names = (
        {str(field.get("Name")) for field in fields if isinstance(field, dict)} if isinstance(fields, list) else set()
    )
    return Kind.PERMANENT if names <= OF_MESSAGE else Kind.SENDER
