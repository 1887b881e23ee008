"""The fields of requests, with their rules and descriptions: of a client, a stop, a mailing, a segment, a receipt."""

from __future__ import annotations

from .condition_rules import condition, required_condition
from .domain.canary import DEFAULT_ERROR_RATE, MAX_CANARY_SIZE
from .domain.client import (
    GIVEN_FIELDS,
    MAX_LABEL,
    SERVICE_FIELDS,
)
from .domain.consent import MAX_TEXT, PURPOSES
from .domain.filter import MAX_TAGS
from .domain.mailing import MAX_RATE
from .domain.message import MAX_ID, RESENDABLE
from .domain.sms import MAX_PARTS
from .field_rules import (
    attributes,
    message_id,
    message_text,
    name_for_people,
    operator_codes,
    phone_number,
    reason,
    reported_status,
    sender,
    stop_reason,
    tag,
    tags,
    timezone,
)
from .rules import (
    Field,
    amount,
    choices,
    label,
    label_up_to,
    moment,
    number_up_to,
    one_of,
    optional_moment,
    time_of_day,
)

CLIENT_RULES = {
    "phone_number": Field(
        phone_number,
        "79XXXXXXXXX, also as people write it: 8 (977) 405-33-29. Unique among the clients.",
        required=True,
    ),
    "tag": Field(tag, "One free label; blank or null: none."),
    "timezone": Field(timezone, "A name in `common_timezones` of pytz."),
    "consent_at": Field(optional_moment, "When the client consented to marketing; blank or null: no consent."),
    "consent_source": Field(
        label_up_to(MAX_LABEL, "form on shop.example"), "Where: a form, a shop, a contract; blank or null: none."
    ),
    "consent_text": Field(
        label_up_to(MAX_TEXT, "Согласен на рекламу по SMS"), "What the client agreed to; blank or null: none."
    ),
    "consent_withdrawn_at": Field(
        optional_moment,
        "When the client withdrew it. A consent that is not newer does not count; blank or null: never.",
    ),
    "attributes": Field(attributes, "Values for placeholders, by name. A change replaces all attributes."),
}

CLIENT = {name: CLIENT_RULES.get(name, Field(label, "A short text; blank or null: none.")) for name in GIVEN_FIELDS}
"""The fields of a client. A field that is not in CLIENT_RULES is a short text."""

PHONE_NUMBER = {"phone_number": CLIENT["phone_number"]}
"""Of requests about a phone number, with or without a client."""

STOP = {
    **PHONE_NUMBER,
    "reason": Field(stop_reason, "Why, in a few words without a phone number; blank or null: none."),
    "opted_out_at": Field(optional_moment, "Since when; blank or null: now. A stop that exists keeps its time."),
}
STOP_READ_ONLY = {"source", "client_id"}

CLIENT_READ_ONLY = {"operator_code", *SERVICE_FIELDS}

MAILING = {
    "datetime_start": Field(
        moment, "If it is past, sending starts at once. UTC without an offset (`+` or a space).", required=True
    ),
    "datetime_end": Field(
        moment, "Nothing is sent after it. It is later than the start, unless both are past.", required=True
    ),
    "message_text": Field(
        message_text,
        f"The text to send, at most {MAX_PARTS} SMS parts. {{name}} is replaced by a value of the client.",
        required=True,
    ),
    "purpose": Field(one_of(PURPOSES), "Marketing may need the client's consent; blank or null: service."),
    "sender": Field(
        sender, "The name or number that recipients see; blank or null: that of the setting GATEWAY_SENDER."
    ),
    "filter_tag": Field(tags, f"At most {MAX_TAGS} tags, separated by commas. The client has one of them."),
    "filter_op_codes": Field(operator_codes, "Operator codes separated by commas. The client has one of them."),
    "filter": Field(
        condition, "A condition on clients, beside `filter_tag` and `filter_op_codes`; blank or null: none."
    ),
    "segment": Field(
        number_up_to(MAX_ID, 3),
        "The id of a segment. The client has to meet its condition too, as it is at the start; blank or null: none.",
    ),
    "time_from": Field(time_of_day, "The start of the local hours, in the client's time zone."),
    "time_to": Field(
        time_of_day, "The end of the local hours. Before time_from: over midnight. Both or neither (blank or null)."
    ),
    "rate_limit": Field(number_up_to(MAX_RATE, 100), "The most messages a second; blank or null: no limit."),
    "max_cost": Field(
        amount,
        "What the texts may cost at GATEWAY_PRICE: the mailing pauses before it costs more. Blank or null: no limit.",
    ),
    "canary": Field(
        number_up_to(MAX_CANARY_SIZE, 100),
        "How many messages are sent first. The others wait for their outcome; blank or null: no canary.",
    ),
    "max_error_rate": Field(
        number_up_to(100, 5, least=0),
        f"Percent of failed canary messages above which the mailing pauses; {DEFAULT_ERROR_RATE} if not given.",
    ),
}

MAILING_READ_ONLY = {"id", "status", "paused_because", "approved_by", "series_id", "warnings"}

SEGMENT = {
    "name": Field(name_for_people, "A name for people; it need not be unique.", required=True),
    "filter": Field(required_condition, "The condition on clients: docs/AUDIENCE.md describes it.", required=True),
}
SEGMENT_READ_ONLY = {"id"}

RESEND = {"statuses": Field(choices(RESENDABLE), "The statuses of the messages to queue again.", required=True)}

RECEIPT = {
    "id": Field(message_id, "The message id that the gateway received.", required=True),
    "status": Field(reported_status, "The reported status. `delivered` is final.", required=True),
    "reason": Field(reason, "Why the message was not delivered, for people."),
    "at": Field(optional_moment, "The time of the delivery or of its failure; blank or null: now."),
}
