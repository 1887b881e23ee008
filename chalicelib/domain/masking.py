"""Masks phone numbers and tokens in everything that is logged, and phone numbers on pages for some roles.

In logs a phone number is 11 digits that begin with 7, or +7 and 10 digits in groups. Client ids have at most 10
digits, and timestamps 10 or 13. A message id may look like a phone number (those of mailing 7 do), so the ids of the
service are exempt by their keys.
"""

from __future__ import annotations

import re
from itertools import count

from .phone import SEPARATOR

PHONE = re.compile(r"(?<!\d)(?:7\d{10}|\+7(?:[ ().-]{0,2}\d){10})(?!\d)")
SECRET = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])"
    r"|(?<=Bearer )[^\s'\"]+"
    r"|(?<![\w-])(?:(?!eyJ)[\w-])*+eyJ[\w-]++\.[\w-]++\.[\w-]*+"
)
"""Tokens of the API and of the gateway: 40 hexadecimal digits, any Bearer token, any JWT.

The pattern of a JWT begins at the beginning of a word and never backtracks, so its time is linear in the text."""

WRITTEN_PHONE = re.compile(rf"(?<!\d)(?:(?:\+?7|8){SEPARATOR}{{0,3}})?9(?:{SEPARATOR}{{0,3}}\d){{9}}(?!\d)")
"""A phone number as people and spreadsheets write it: `8 (977) 405-33-29`, `9774053329`."""

SHOWN_DIGITS = 4
"""Of a masked number: the 7 and the operator code."""

UNMASKED_KEYS = {"message_id", "request_id", "invocation_id", "xray_trace_id"}
"""Keys of ids that the service or AWS creates: their values never come from a request."""


def mask_text(text: str) -> str:
    """`79774053329` becomes `7977*******`, a token `***`."""
    return SECRET.sub("***", PHONE.sub(_starred, text))


def mask_phones(text: str) -> str:
    """For pages: also the phone numbers that people write otherwise. `8 (977) 405-33-29` becomes `7977*******`."""
    return WRITTEN_PHONE.sub(_starred_mobile, PHONE.sub(_starred, text))


def mask_digits(text: str) -> str:
    """Every digit but the first four: for a text that should be a phone number and may be a wrong one."""
    seen = count(1)
    return re.sub(r"\d", lambda digit: digit[0] if next(seen) <= SHOWN_DIGITS else "*", text)


def masked(value: object) -> object:
    """The value with masked texts and numbers at any depth. A value that is not JSON is returned unchanged."""
    match value:
        case bool():
            return value
        case str():
            return mask_text(value)
        case int():
            text = mask_text(str(value))
            return value if text == str(value) else text
        case dict():
            return {mask_text(str(key)): item if key in UNMASKED_KEYS else masked(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [masked(item) for item in value]
    return value


def _starred(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return digits[:SHOWN_DIGITS] + "*" * (len(digits) - SHOWN_DIGITS)


def _starred_mobile(found: re.Match[str]) -> str:
    return f"7{re.sub(r'[^0-9]', '', found[0])[-10:][:3]}*******"
