"""Every environment variable of the service: name, type, default and help. Only this module reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .domain.money import read_amount, read_level
from .domain.routes import Routes
from .errors import BadSettings
from .gateways.balances import registry as balances
from .gateways.configured import Configured, read_gateways
from .gateways.registry import provider
from .secret_names import SecretNames
from .setting_values import (
    AUTO,
    address,
    addresses,
    count,
    currency,
    flag,
    flag_or_auto,
    is_loopback,
    issuer,
    json_object,
    language,
    not_negative,
    openid_problems,
    positive,
    provider_name,
    role_values,
    sender,
    time_of_day,
    url,
    words,
    zone,
)
from .wording import ENGLISH

if TYPE_CHECKING:
    from .domain.openid import OpenIdClient

LOCAL_STAGE = "local"


def _setting(default: object, read: Callable[[str], object], help_text: str) -> Any:
    return field(default=default, metadata={"read": read, "help": help_text})


@dataclass(frozen=True)
class Settings(SecretNames):
    """Each field is an environment variable; its name in capitals is the name of the variable."""

    stage: str = _setting("dev", str, "Name of the stage; `local` alone accepts the published token.")
    stack_name: str = _setting("notifications", str, "Prefix of tables, schedules and parameters.")
    send_queue_url: str = _setting("", str, "Queue of messages to send.")
    jobs_queue_url: str = _setting("", str, "Queue of jobs: starts, slices, reconciliations.")
    imports_queue_url: str = _setting("", str, "Queue of imports to process.")
    receipts_queue_url: str = _setting("", str, "Queue of delivery receipts.")
    asks_queue_url: str = _setting("", str, "Queue of questions about deliveries, for a provider that is asked.")
    imports_bucket: str = _setting("", str, "Bucket of imported files.")
    dead_letters_url: str = _setting("", str, "Queue of dead letters.")
    start_mailing_arn: str = _setting("", str, "The Lambda that a mailing's schedule invokes.")
    scheduler_role_arn: str = _setting("", str, "The role that the schedules use to invoke it.")
    gateway: str = _setting("contract", provider_name, "The SMS provider, by the name of its adapter.")
    gateway_url: str = _setting("http://127.0.0.1:9000", url, "Address of the SMS gateway.")
    gateway_sender: str = _setting("", sender, "Sender of the messages: a name or number that the provider allows.")
    gateway_options: str = _setting("", json_object, "Further settings of the provider, an object in JSON.")
    gateway_plain_http: bool = _setting(False, flag, "Whether GATEWAY_URL may be http:// outside stage `local`.")
    gateway_timeout: float = _setting(10.0, positive, "Seconds to wait for the gateway's answer.")
    gateway_dedupes: bool = _setting(True, flag_or_auto, "Whether the gateway accepts a repeated id only once.")
    gateway_max_doubts: int = _setting(5, count, "Attempts without a clear answer, after which none follows.")
    gateway_refuses_by_code: bool = _setting(False, flag, "Whether 200 with a code other than 0 is a final refusal.")
    gateway_rate: float | None = _setting(None, positive, "Messages a second the gateway accepts; none: no limit.")
    gateways: tuple[Configured, ...] = _setting((), read_gateways, "Several gateways, a list in JSON, in their order.")
    gateway_price: int | None = _setting(None, read_amount, "Price of one SMS part, such as 3.50; none: not known.")
    gateway_currency: str = _setting("", currency, "Currency of the prices, such as RUB.")
    daily_budget: int | None = _setting(None, read_amount, "What all mailings may spend in a day; none: no limit.")
    balance_alarm: int | None = _setting(None, read_level, "Balance at the gateway below which an alarm goes off.")
    receipts: bool = _setting(False, flag, "Whether the gateway may report deliveries.")
    require_consent: bool = _setting(False, flag, "Whether marketing reaches only clients with a consent.")
    approval_above: int = _setting(0, not_negative, "Clients above which a mailing needs an approval; 0: never.")
    stop_words: tuple[str, ...] = _setting((), words, "Words of an inbound message that opt its sender out.")
    receipts_url: str = _setting("", url, "Address of /Receipts as the provider calls it.")
    sender_threads: int = _setting(50, count, "Posts that one sender Lambda makes at the same time.")
    message_retention_days: int = _setting(400, count, "Days after the end of a mailing that its messages are kept.")
    audit_retention_days: int = _setting(400, count, "Days that audit records are kept.")
    audit_bucket: str = _setting("", str, "Bucket with Object Lock that gets a copy of the audit.")
    audit_bucket_owner: str = _setting("", str, "Account that owns this bucket.")
    report_recipients: tuple[str, ...] = _setting((), addresses, "Email addresses that get the daily report.")
    report_sender: str = _setting("", address, "The address that the daily report comes from; verified in SES.")
    report_language: str = _setting(ENGLISH, language, "Language of the daily report: `en` or `ru`.")
    report_time: str = _setting("09:00", time_of_day, "When the daily report is sent; its day ends at this time.")
    report_timezone: str = _setting(
        "UTC", zone, "Time zone of `REPORT_TIME`, the report and the days of `DAILY_BUDGET`."
    )

    oidc_issuer: str = _setting("", issuer, "Identity provider of the console; none: users sign in with passwords.")
    oidc_client_id: str = _setting("", str, "This service, as the identity provider knows it.")
    oidc_role_claim: str = _setting("", str, "Claim with the roles of a user: a name, or a path with points.")
    oidc_roles: tuple[str, ...] = _setting((), role_values, "Which of its values are which role: `sms-admins=admin`.")
    oidc_name_claim: str = _setting("", str, "Claim that names a user: a name, or a path with points; none: the email.")
    oidc_only: bool = _setting(False, flag, "Whether users sign in through the identity provider alone.")

    @cached_property
    def gateway_by_name(self) -> Mapping[str, Configured]:
        """Those of GATEWAYS in their order, or the one of the other settings, with the name of its provider."""
        only = Configured(
            name=self.gateway,
            provider=self.gateway,
            url=self.gateway_url,
            sender=self.gateway_sender,
            options=json.loads(self.gateway_options or "{}"),
            refuses_by_code=self.gateway_refuses_by_code,
            dedupes=self.gateway_dedupes,
            rate=self.gateway_rate,
        )
        return {one.name: one for one in self.gateways or (only,)}

    @cached_property
    def routes(self) -> Routes:
        configured = self.gateway_by_name.values()
        deduping = frozenset(one.name for one in configured if one.dedupes)
        codes = {one.name: one.codes for one in configured if one.codes}
        addresses = {one.name: one.address for one in configured}
        spares = frozenset(one.name for one in configured if one.spare)
        return Routes(tuple(self.gateway_by_name), deduping, codes, addresses, spares)

    @cached_property
    def has_gateway_rates(self) -> bool:
        return any(one.rate is not None for one in self.gateway_by_name.values())

    @property
    def total_rate(self) -> float | None:
        """Messages a second that all gateways but spare ones accept together; None if one of them has no limit."""
        rates = [one.rate for one in self.gateway_by_name.values() if not one.spare]
        return None if None in rates else sum(rate for rate in rates if rate is not None)

    @cached_property
    def price_by_gateway(self) -> Mapping[str, int] | None:
        """Of one SMS part, as in domain/money.py; None if the price of a gateway is not known."""
        prices = {
            name: self.gateway_price if one.price is None else one.price for name, one in self.gateway_by_name.items()
        }
        known = {name: price for name, price in prices.items() if price is not None}
        return known if len(known) == len(prices) else None

    @cached_property
    def balance_limits(self) -> Mapping[str, int]:
        """By the gateways that are asked for their balance: an alarm goes off below it. Empty: none is asked.

        A gateway that tells none is no error here: messages are sent in any case, and a deploy names it.
        """
        if self.balance_alarm is None:
            return {}
        tells = {name: one for name, one in self.gateway_by_name.items() if one.provider in balances.NAMES}
        return {
            name: self.balance_alarm if one.balance_alarm is None else one.balance_alarm for name, one in tells.items()
        }

    @cached_property
    def all_gateways_dedupe(self) -> bool:
        return all(one.dedupes for one in self.gateway_by_name.values())

    def most_doubts(self, gateway: str) -> int:
        """After so many attempts that end in doubt at this gateway a message is `unknown`."""
        return self.gateway_max_doubts if self.gateway_by_name[gateway].dedupes else 1

    def token_parameter_of(self, gateway: str) -> str:
        """Name of the SecureString with the secret of this gateway: with GATEWAYS each has one of its own."""
        return f"{self.gateway_token_parameter}-{gateway}" if self.gateways else self.gateway_token_parameter

    @cached_property
    def oidc_client(self) -> OpenIdClient:
        from .domain.openid import OpenIdClient  # only a sign-in needs it

        roles = dict(pair.rsplit("=", 1) for pair in self.oidc_roles)
        return OpenIdClient(self.oidc_issuer, self.oidc_client_id, self.oidc_role_claim, roles, self.oidc_name_claim)

    @property
    def is_local(self) -> bool:
        return self.stage == LOCAL_STAGE

    @property
    def exposes_gateway_traffic(self) -> bool:
        """The token of the gateway and the phone numbers would travel without TLS, and nobody has allowed that."""
        urls = [one.url for one in self.gateway_by_name.values() if urlsplit(one.url).scheme == "http"]
        return not all(self.is_local or self.gateway_plain_http or is_loopback(url) for url in urls)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings. Raises BadSettings with all wrong settings at once."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in fields(Settings):
        name = setting.name.upper()
        if environment.get(name, "") == "":
            continue
        try:
            values[setting.name] = setting.metadata["read"](environment[name])
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    if environment.get("REPORT_RECIPIENTS") and not environment.get("REPORT_SENDER"):
        wrong.append("REPORT_SENDER: an address is expected, because REPORT_RECIPIENTS is set")
    wrong += _complete(values)
    read = Settings(**values)
    if read.daily_budget is not None and read.price_by_gateway is None:
        wrong.append("GATEWAY_PRICE: the price of an SMS part is expected, because DAILY_BUDGET is set")
    if read.exposes_gateway_traffic:
        wrong.append(
            "GATEWAY_URL: https:// is expected, because the gateway's token and the phone numbers go there; "
            "in a private network GATEWAY_PLAIN_HTTP=true allows http://"
        )
    wrong += openid_problems(environment, read.is_local)
    if wrong:
        raise BadSettings("; ".join(wrong))
    return read


def _complete(values: dict[str, Any]) -> list[str]:
    """Set what depends on the provider and is not set. Returns what contradicts it."""
    name = values.get("gateway", Settings.gateway)
    can = provider(name).CAPABILITIES
    wrong = []
    if values.get("gateway_dedupes") is None:
        values["gateway_dedupes"] = bool(can.dedupes)
    elif values["gateway_dedupes"] and can.dedupes is False:
        wrong.append(f"GATEWAY_DEDUPES: {AUTO} is expected, because {name} does not detect a repeated message id")
    if can.url:
        values.setdefault("gateway_url", can.url)
    values.setdefault("gateway_rate", can.rate)
    return wrong


def runs_in_lambda() -> bool:
    """On AWS or an emulator. Source: AWS Lambda Developer Guide, "Defined runtime environment variables"."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


@cache
def settings() -> Settings:
    """The settings of this process, read on first use and not at import."""
    return read_settings(os.environ)
