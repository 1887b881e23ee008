"""The providers by name. Only the chosen one is loaded."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from .port import Provider

NAMES = (
    "contract",
    "aws",
    "exolve",
    "http",
    "infobip",
    "jasmin",
    "kannel",
    "smsaero",
    "smsc",
    "smsru",
    "twilio",
    "vonage",
)
"""The values of GATEWAY, each the name of a module here."""


def provider(name: str) -> Provider:
    """Raises KeyError for an unknown name."""
    if name not in NAMES:
        raise KeyError(name)
    return cast(Provider, import_module(f".{name}", __package__))
