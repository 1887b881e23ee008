"""How the values of environment variables are read. Each function raises ValueError with what is expected."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from .domain.inbound import LONGEST_WORD
from .domain.money import CURRENCY
from .domain.sms import SENDER
from .gateways.registry import NAMES
from .wording import LANGUAGES
from .zones import is_time_of_day, is_zone, meant_zone

AUTO = "auto"
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MAX_RECIPIENTS = 50
"""The limit of SES for one email."""


def url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as https://sms.example.com is expected")
    return text.rstrip("/")


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError("a number above 0 is expected")
    return number


def count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("a whole number above 0 is expected")
    return number


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
        raise ValueError(f'"{address}" is not an e-mail address such as anna@example.com')
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
