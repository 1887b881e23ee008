"""The keyed hash that stands for the phone number of an erased person."""

from __future__ import annotations

import hmac


def phone_digest(key: str, phone_number: str) -> str:
    """HMAC-SHA256 of the phone number, in hexadecimal. Without the key a hash of a number is found by trying all."""
    return hmac.digest(key.encode(), phone_number.encode(), "sha256").hex()
