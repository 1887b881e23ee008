"""Checks of the gateway's settings before a deploy: what its provider needs."""

from __future__ import annotations

from chalicelib.errors import BadSettings
from chalicelib.gateways.registry import provider
from chalicelib.settings import Settings

from .errors import DeployFailed


def gateway_problems(settings: Settings, url: str) -> list[str]:
    """What is missing or wrong, for people. `url`: GATEWAY_URL as given, which may be empty."""
    can, name = settings.capabilities, settings.gateway
    wrong = []
    if not url and not can.url:
        wrong.append(f"GATEWAY_URL: the address of the gateway is expected by GATEWAY={name}")
    if can.needs_sender and not settings.gateway_sender:
        wrong.append(f"GATEWAY_SENDER: a name or number that the provider allows is expected by GATEWAY={name}")
    if unknown := settings.adapter_options.values.keys() - set(can.options):
        known = f"{', '.join(can.options)} is known" if can.options else "none is known"
        wrong.append(f"GATEWAY_OPTIONS: {', '.join(sorted(unknown))}: {known} by GATEWAY={name}")
    try:
        provider(name).make_adapter(settings.adapter_options)
    except BadSettings as bad:
        wrong.append(str(bad))
    return wrong


def require_form(settings: Settings, token: str | None) -> None:
    """Raises DeployFailed if a token is given that is not of the form that the provider expects."""
    try:
        if token and settings.capabilities.key_form:
            settings.capabilities.parts_of(token)
    except BadSettings as bad:
        raise DeployFailed(f"{bad} by GATEWAY={settings.gateway}") from bad
