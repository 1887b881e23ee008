"""How the simulator of a provider reports about a message that it has accepted, and how it forges such a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from chalicelib.domain.message import DELIVERED
from chalicelib.gateways.receipts.port import Call, Keys

OTHER_KEYS = Keys("forged:forged", "ACforged:forged")
"""The secrets of somebody who does not know ours."""


@dataclass(frozen=True)
class Report:
    """`address`: where it goes, which is the one that the post named, or that of the account.

    `status`: delivered or undelivered. `number`: that of the message at the provider, from 1.
    """

    message_id: int
    phone_number: str
    status: str
    address: str
    number: int = 1

    @property
    def is_delivered(self) -> bool:
        return self.status == DELIVERED


def another_key(address: str) -> str:
    """The address with another key at the end of its path."""
    parts = urlsplit(address)
    path, _, key = parts.path.rpartition("/")
    return urlunsplit(parts._replace(path=f"{path}/{'0' * len(key)}"))


def always(_: Keys) -> bool:
    return True


def never(_: Keys) -> bool:
    return False


def with_secret(keys: Keys) -> bool:
    """Of a provider that signs by a setting of the account."""
    return keys.signature != ""


@dataclass(frozen=True)
class Reporting:
    """`call`: what the provider sends about these messages, at most `most` of them with one address.

    `is_signed`: whether a wrong signature can be told. `forged_address`: the address with a wrong key; None: the
    address has no key. `signature`: the secret with which the simulated account signs, if that is a setting of it.
    """

    call: Callable[[Sequence[Report], Keys], Call]
    most: int = 1
    is_signed: Callable[[Keys], bool] = never
    forged_address: Callable[[str], str] | None = another_key
    signature: str = ""

    def forgeries(self, report: Report, keys: Keys) -> list[Call]:
        """Calls about the message that nobody may believe: with another key, and with another signature."""
        forged = []
        if self.forged_address:
            forged.append(self.call([replace(report, address=self.forged_address(report.address))], keys))
        if self.is_signed(keys):
            forged.append(self.call([report], OTHER_KEYS))
        return forged


def of_one(call: Callable[[Report, Keys], Call]) -> Callable[[Sequence[Report], Keys], Call]:
    """For a provider that reports each message by itself."""

    def made(reports: Sequence[Report], keys: Keys) -> Call:
        (report,) = reports
        return call(report, keys)

    return made
