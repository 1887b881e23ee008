"""Checks of the gateways' settings before a deploy: what their providers need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import BadSettings
from chalicelib.gateways.balances.registry import NAMES
from chalicelib.gateways.configured import Configured
from chalicelib.gateways.receipts.registry import ASKED
from chalicelib.gateways.registry import provider
from chalicelib.settings import Settings

from .errors import DeployFailed


def gateway_problems(settings: Settings, url: str) -> list[str]:
    """What is missing or wrong, for people. `url`: GATEWAY_URL as given, which may be empty."""
    wrong = []
    for configured in settings.gateway_by_name.values():
        if not settings.gateways:
            wrong += _problems_of_only(configured, url)
        try:
            provider(configured.provider).make_adapter(configured.adapter_options)
        except BadSettings as bad:
            wrong.append(str(bad) if not settings.gateways else f"GATEWAYS, {configured.name}: {bad}")
    return wrong + _problems_of_balances(settings)


def _problems_of_balances(settings: Settings) -> list[str]:
    own = [one.name for one in settings.gateway_by_name.values() if one.balance_alarm is not None]
    if settings.balance_alarm is None:
        return [f"BALANCE_ALARM: an amount is expected, because {own[0]} has a balance_alarm"] if own else []
    if not settings.balance_limits:
        return [f"BALANCE_ALARM: no gateway tells its balance; these providers do: {', '.join(NAMES)}"]
    silent = [name for name in own if name not in settings.balance_limits]
    return [f"GATEWAYS, {silent[0]}: balance_alarm: this provider does not tell its balance"] if silent else []


def _problems_of_only(configured: Configured, url: str) -> list[str]:
    """Of the gateway without GATEWAYS. In GATEWAYS the same mistakes are named with their place."""
    can, name, wrong = configured.capabilities, configured.provider, []
    if not url and not can.url:
        wrong.append(f"GATEWAY_URL: the address of the gateway is expected by GATEWAY={name}")
    if can.needs_sender and not configured.sender:
        wrong.append(f"GATEWAY_SENDER: a name or number that the provider allows is expected by GATEWAY={name}")
    if unknown := configured.options.keys() - set(can.options):
        known = f"{', '.join(can.options)} is known" if can.options else "none is known"
        wrong.append(f"GATEWAY_OPTIONS: {', '.join(sorted(unknown))}: {known} by GATEWAY={name}")
    return wrong


def inbound_problems(parameters: Mapping[str, str]) -> list[str]:
    """Messages to us come through the queue of receipts, which nothing reads without receipts."""
    if parameters.get("InboundTopic") and parameters.get("Receipts") != "true":
        return ["INBOUND_TOPIC: RECEIPTS=true is expected together with it"]
    return []


def use_of_gateways(settings: Settings) -> dict[str, str]:
    """The parameters that say what one of GATEWAYS needs: a template cannot look into a list in JSON.

    Without them every stack with GATEWAYS has the right to send through AWS and the rules for its reports, and with
    receipts the queue of questions and its rights.
    """
    providers = {one.provider for one in settings.gateway_by_name.values()}
    needs = {"GatewaysUseAws": "aws" in providers, "GatewaysAskReceipts": not providers.isdisjoint(ASKED)}
    return {name: str(is_needed).lower() for name, is_needed in needs.items()}


@dataclass(frozen=True)
class Token:
    """A secret that a gateway needs. `parameter`: its name in SSM. `variable`: where a deploy expects it."""

    gateway: Configured
    parameter: str
    variable: str

    def given(self, environment: Mapping[str, str]) -> str | None:
        """Raises DeployFailed, without the secret, if it is not of the form that the provider expects."""
        value = environment.get(self.variable) or None
        try:
            if value is not None:
                self.gateway.capabilities.parts_of(value)
        except BadSettings as bad:
            detail = str(bad).replace("GATEWAY_TOKEN", self.variable)
            raise DeployFailed(f"{detail} by the gateway {self.gateway.name}") from bad
        return value


def tokens_of(settings: Settings) -> list[Token]:
    """The secrets of the gateways that need one: GATEWAY_TOKEN, or with GATEWAYS GATEWAY_TOKEN_ and the name."""
    found = []
    for name, configured in settings.gateway_by_name.items():
        if configured.capabilities.key_form:
            suffix = f"_{name.upper().replace('-', '_')}" if settings.gateways else ""
            found.append(Token(configured, settings.token_parameter_of(name), f"GATEWAY_TOKEN{suffix}"))
    return found
