"""The providers that tell a balance. Only the asked one is loaded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .port import BalanceForm

NAMES = ("infobip", "jasmin", "smsaero", "smsc", "smsru", "twilio", "vonage")


def balance_form(name: str) -> BalanceForm:
    """Raises KeyError for a provider that tells no balance."""
    if name not in NAMES:
        raise KeyError(name)
    return cast("BalanceForm", import_module(f".{name}", __package__))
