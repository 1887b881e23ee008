"""How the values of environment variables are read. Each function raises ValueError with what is expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from .domain.inbound import LONGEST_WORD
from .domain.money import CURRENCY
from .domain.sms import SENDER
from .gateways.registry import NAMES
from .wording import LANGUAGES
from .zones import is_time_of_day, is_zone, meant_zone

N = TypeVar("N", int, float)
AUTO = "auto"
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MAX_RECIPIENTS = 50
"""The limit of SES for one email."""


def url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as https://sms.example.com is expected")
    return text.rstrip("/")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def issuer(text: str) -> str:
    """As the provider writes it: its ID tokens have the same text, with a final slash or without."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the issuer of an OpenID provider is expected, such as https://id.example.com/realms/shop")
    return text


def role_values(text: str) -> tuple[str, ...]:
    """`sms-admins=admin,sms-readers=read`. A value may contain `=`."""
    from .domain.principal import ROLES  # which the workers need for no other setting

    pairs = tuple(pair.strip() for pair in text.split(",") if pair.strip())
    for pair in pairs:
        value, sign, role = pair.rpartition("=")
        if not sign or not value or role not in ROLES:
            raise ValueError(f"a value and one of the roles {', '.join(ROLES)} are expected, such as sms-admins=admin")
    return pairs


def openid_problems(environment: Mapping[str, str], is_local: bool) -> list[str]:
    """What is missing or wrong between the settings of the identity provider."""
    address = environment.get("OIDC_ISSUER", "")
    if not address:
        is_only = environment.get("OIDC_ONLY", "").lower() == "true"
        return ["OIDC_ISSUER: expected, because OIDC_ONLY is true"] if is_only else []
    needed = ("OIDC_CLIENT_ID", "OIDC_ROLE_CLAIM", "OIDC_ROLES")
    wrong = [f"{name}: expected, because OIDC_ISSUER is set" for name in needed if not environment.get(name)]
    if urlsplit(address).scheme == "http" and not (is_local and is_loopback(address)):
        wrong.append("OIDC_ISSUER: https:// is expected")
    return wrong


def positive(text: str) -> float:
    number = _number(text, float, 0.0)
    if not 0 < number < float("inf"):
        raise ValueError("a number above 0 is expected")
    return number


def count(text: str) -> int:
    number = _number(text, int, 0)
    if number < 1:
        raise ValueError("a whole number above 0 is expected")
    return number


def not_negative(text: str) -> int:
    number = _number(text, int, -1)
    if number < 0:
        raise ValueError("a whole number from 0 is expected")
    return number


def _number(text: str, kind: Callable[[str], N], otherwise: N) -> N:
    """Python's own error speaks of literals and bases."""
    try:
        return kind(text)
    except ValueError:
        return otherwise


def flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false is expected")
    return text.lower() == "true"


def flag_or_auto(text: str) -> bool | None:
    """None: as the provider does."""
    return None if text == AUTO else flag(text)


def provider_name(text: str) -> str:
    if text not in NAMES:
        raise ValueError(f"one of {', '.join(NAMES)} is expected")
    return text


def sender(text: str) -> str:
    if not SENDER.fullmatch(text):
        raise ValueError("a name or number of at most 40 letters and digits is expected, such as SHOP")
    return text


def currency(text: str) -> str:
    if not CURRENCY.fullmatch(text):
        raise ValueError("three capital letters are expected, such as RUB")
    return text


def json_object(text: str) -> str:
    if not isinstance(json.loads(text), dict):
        raise ValueError("an object in JSON is expected")
    return text


def address(text: str) -> str:
    address = text.strip()
    if not ADDRESS.fullmatch(address):
        raise ValueError(f'"{address}" is not an email address such as anna@example.com')
    return address


def addresses(text: str) -> tuple[str, ...]:
    addresses = tuple(dict.fromkeys(address(item) for item in text.split(",")))
    if len(addresses) > MAX_RECIPIENTS:
        raise ValueError(f"at most {MAX_RECIPIENTS} addresses are expected")
    return addresses


def words(text: str) -> tuple[str, ...]:
    """Separated by commas, or as a list in JSON, which is how a deploy passes letters outside ASCII."""
    words = json.loads(text) if text.startswith("[") else text.split(",")
    if not all(isinstance(word, str) and 0 < len(word.strip()) <= LONGEST_WORD for word in words):
        raise ValueError(f"words of at most {LONGEST_WORD} characters, separated by commas, are expected")
    return tuple(dict.fromkeys(word.strip() for word in words))


def language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(f"{' or '.join(LANGUAGES)} is expected")
    return text


def time_of_day(text: str) -> str:
    if not is_time_of_day(text):
        raise ValueError("a time from 00:00 to 23:59 is expected, such as 09:00")
    return text


def zone(text: str) -> str:
    if not is_zone(text):
        expected = meant_zone(text) or "a name such as Europe/Moscow"
        raise ValueError(f'"{text}" is not a known time zone: {expected} is expected')
    return text
