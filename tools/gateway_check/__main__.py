"""Try a gateway with a phone number of your own, and say which settings follow. docs/GATEWAY_CHECK.md.

GATEWAY=twilio GATEWAY_SENDER=+15550000009 python -m tools.gateway_check PHONE      exits with 1 on a mismatch
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from chalicelib.errors import BadSettings
from chalicelib.gateways.configured import Configured
from chalicelib.settings import Settings, read_settings
from infra.deploy import DeployFailed
from infra.deploy.gateway import gateway_problems, tokens_of

from .checks import Check, Plan, checks_of
from .findings import Finding, Person, print_findings
from .probe import Probe

OF_GATEWAY = (
    "GATEWAYS",
    "GATEWAY",
    "GATEWAY_URL",
    "GATEWAY_SENDER",
    "GATEWAY_OPTIONS",
    "GATEWAY_PLAIN_HTTP",
    "GATEWAY_TIMEOUT",
    "GATEWAY_DEDUPES",
    "GATEWAY_REFUSES_BY_CODE",
    "GATEWAY_RATE",
)
BURST, MOST_AT_ONCE = 10, 50
WRONG_PHONE = "70000000000"
"""No operator has the code 000."""


class CheckFailed(Exception):
    """One line with the reason. It contains no secret and no phone number."""


def main(arguments: Sequence[str] | None = None, person: Person | None = None) -> int:
    options = _arguments(arguments)
    person = person or Person(options.yes)
    try:
        _require_person(person)
        settings = _settings(os.environ)
        gateway = _gateway(settings, options.gateway)
        price = _price(os.environ)
        secret = _secret(settings, gateway, person)
        plan = Plan(options.burst, options.wrong_phone, os.environ.get("RECEIPTS_URL", ""))
        chosen = [check for check in checks_of(plan) if not options.only or check.name in options.only]
        probe = Probe(gateway, secret, options.phone, options.burst, settings.gateway_timeout)
        _print_plan(probe, chosen, price)
        findings = _run(probe, plan, chosen, person, price)
    except CheckFailed as failed:
        print(f"gateway_check: {failed}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 2
    print()
    print_findings(findings)
    return 1 if any(finding.is_mismatch for finding in findings) else 0


def _run(probe: Probe, plan: Plan, checks: list[Check], person: Person, price: Decimal | None) -> list[Finding]:
    """Nothing follows a first message that was not accepted: all others would fail in the same way."""
    findings: list[Finding] = []
    try:
        for check in checks:
            if not person.consents(f"{check.name}: {check.does}{_cost(check.messages, price)}. Go on?"):
                findings.append(Finding(check.name, "left out"))
                continue
            print(f"{check.name} ...", flush=True)
            findings.append(check.run(probe, plan, person))
            if check.name == "acceptance" and findings[-1].is_mismatch:
                break
    finally:
        probe.close()
    return findings


def _print_plan(probe: Probe, checks: list[Check], price: Decimal | None) -> None:
    most = sum(check.messages for check in checks)
    print(f"gateway  {probe.gateway.name}, to the number {masked(probe.phone)}, texts {probe.code}-1, -2, ...")
    print(f"checks   {', '.join(check.name for check in checks)}")
    print(f"at most  {most} messages of one part each{_cost(most, price, only_price=True)}", flush=True)


def masked(phone: str) -> str:
    return f"{phone[:2]}***{phone[-2:]}"


def _cost(messages: int, price: Decimal | None, only_price: bool = False) -> str:
    cost = f"{messages * price} by GATEWAY_PRICE" if price is not None and messages else ""
    if only_price:
        return f", {cost}" if cost else "; GATEWAY_PRICE is not set, so their cost is not known"
    number = f"{messages} message{'s' if messages > 1 else ''} at most" if messages else "no message"
    return f" ({', '.join(filter(None, [number, cost]))})"


def _settings(environment: Mapping[str, str]) -> Settings:
    try:
        settings = read_settings({name: environment.get(name, "") for name in OF_GATEWAY})
    except BadSettings as bad:
        raise CheckFailed(str(bad)) from bad
    if wrong := gateway_problems(settings, environment.get("GATEWAY_URL", "")):
        raise CheckFailed("; ".join(wrong))
    return settings


def _gateway(settings: Settings, name: str) -> Configured:
    """One of GATEWAYS, or the only one."""
    by_name = settings.gateway_by_name
    chosen = name or (next(iter(by_name)) if len(by_name) == 1 else "")
    if chosen not in by_name:
        raise CheckFailed(f"--gateway: one of {', '.join(by_name)} is expected")
    return by_name[chosen]


def _secret(settings: Settings, gateway: Configured, person: Person) -> str:
    token = next((token for token in tokens_of(settings) if token.gateway is gateway), None)
    if token is None:
        return ""
    form = gateway.capabilities.key_form
    try:
        secret = token.given(os.environ)
    except DeployFailed as wrong:
        raise CheckFailed(str(wrong)) from wrong
    if secret is None and (person.agrees or not sys.stdin.isatty()):
        raise CheckFailed(f"{token.variable}: {form} is expected")
    return secret or getpass.getpass(f"{form} of the SMS gateway (not shown): ")


def _price(environment: Mapping[str, str]) -> Decimal | None:
    text = environment.get("GATEWAY_PRICE", "")
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        raise CheckFailed("GATEWAY_PRICE: the price of a part is expected, such as 0.05") from None


def _require_person(person: Person) -> None:
    if not person.agrees and person.ask is input and not sys.stdin.isatty():
        raise CheckFailed("it asks before each check: run it in a terminal, or with --yes")


def _phone(text: str) -> str:
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        raise argparse.ArgumentTypeError("digits with the country first are expected, such as 79774053329")
    return digits


def _burst(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_AT_ONCE:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_AT_ONCE} is expected")
    return int(text)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [check.name for check in checks_of(Plan(BURST, WRONG_PHONE))]
    parser = argparse.ArgumentParser(prog="python -m tools.gateway_check", description="Try an SMS gateway.")
    parser.add_argument("phone", type=_phone, help="your own number: it gets the messages")
    parser.add_argument("--yes", action="store_true", help="agree to every check, for scripts")
    parser.add_argument("--gateway", default="", metavar="NAME", help="which one of GATEWAYS")
    parser.add_argument("--only", action="append", choices=names, help="only this check; may be given several times")
    parser.add_argument("--burst", type=_burst, default=BURST, help="messages at the same time (%(default)s)")
    parser.add_argument("--wrong-phone", type=_phone, default=WRONG_PHONE, help="a number nobody has (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
