"""The providers whose delivery receipts are understood. Only the asked one is loaded."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from .port import AskedForm, ReceiptForm

NAMES = ("infobip", "jasmin", "kannel", "smsaero", "smsc", "twilio", "vonage")

ASKED = ("smsru",)
"""They are asked for the statuses of messages."""


def receipt_form(name: str) -> ReceiptForm:
    """Raises KeyError for a provider without delivery receipts."""
    if name not in NAMES:
        raise KeyError(name)
    return cast(ReceiptForm, import_module(f".{name}", __package__))


def asked_form(name: str) -> AskedForm | None:
    """None for a provider that is not asked."""
    return cast(AskedForm, import_module(f".{name}", __package__)) if name in ASKED else None
