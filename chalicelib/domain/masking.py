"""What no log may hold: phone numbers and tokens, found in whatever is logged and made unreadable.

Numbers are found by their looks: 11 digits that begin with 7, or +7 and 10 digits in groups. Client ids have 10
digits at the most and timestamps 10 or 13. A message's id may look like a phone number (mailing 7's do), so ids that
we have made ourselves are known by their names.
"""

from __future__ import annotations

import re

PHONE = re.compile(r"(?<!\d)(?:7\d{10}|\+7(?:[ ().-]{0,2}\d){10})(?!\d)")
SECRET = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])|(?<=Bearer )[^\s'\"]+|eyJ[\w-]+\.[\w-]+\.[\w-]*")
"""A token of ours, and what the gateway is shown: any Bearer token, any JWT."""

OURS = {"message_id", "request_id", "xray_trace_id"}
"""Never what somebody has sent us."""


def mask_text(text: str) -> str:
    """`79774053329` becomes `7977*******`, a token `***`."""
    return SECRET.sub("***", PHONE.sub(_starred, text))


def masked(value: object) -> object:
    """The value with every text and number in it masked, at any depth; what is not JSON is left for its `str`."""
    match value:
        case bool():
            return value
        case str():
            return mask_text(value)
        case int():
            text = mask_text(str(value))
            return value if text == str(value) else text
        case dict():
            return {mask_text(str(key)): one if key in OURS else masked(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [masked(one) for one in value]
    return value


def _starred(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return digits[:4] + "*" * (len(digits) - 4)
