"""The erasure of a person: which texts have the phone number, and how far the clean-up of traces is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .client import PHONE
from .phone import SEPARATOR, meant_phone
from .phone_digest import phone_digest

STALLED_AFTER = timedelta(minutes=10)

IN_A_ROW = 100
"""Ids of mailings or of imports that are read together: the limit of BatchGetItem."""

NUMBER = re.compile(rf"(?<!\d)\d(?:(?:{SEPARATOR}|\s)*\d){{9,10}}(?!\d)")
"""10 or 11 digits, perhaps in groups: what a person may have typed as a phone number."""


@dataclass(frozen=True)
class Erasure:
    """What is left to do for one erased person. `client_id`: None for a phone number that no client had.

    `digest`: the keyed hash of the phone number. The traces are cleaned from the newest: the messages of mailings with
    ids below `mailings_below`, and the refused rows of imports with ids below `imports_below`, of the first of them the
    rows after `row`. None: not begun. `moved_at`: the last progress.
    """

    name: str
    client_id: int | None
    digest: str
    moved_at: datetime
    mailings_below: int | None = None
    imports_below: int | None = None
    row: int = 0

    def begun(self, last_mailing_id: int, last_import_id: int) -> Erasure:
        """The same if it has begun. What is made later has no traces."""
        if self.mailings_below is not None:
            return self
        mailings_below = 0 if self.client_id is None else last_mailing_id + 1
        return replace(self, mailings_below=mailings_below, imports_below=last_import_id + 1)

    @property
    def mailing_ids(self) -> range:
        """The next mailings, the newest first; none at the end."""
        return _next_ids(self.mailings_below)

    @property
    def import_ids(self) -> range:
        return _next_ids(self.imports_below)

    def is_stalled(self, now: datetime) -> bool:
        return self.moved_at + STALLED_AFTER <= now


def erasure_of_client(client_id: int, digest: str, now: datetime) -> Erasure:
    return Erasure(f"client#{client_id}", client_id, digest, now)


def erasure_of_phone(digest: str, now: datetime) -> Erasure:
    """Of a phone number without a client. A repetition has a name and a progress of its own, and ends by itself."""
    return Erasure(f"phone#{digest}#{int(now.timestamp() * 1_000_000)}", None, digest, now)


def phones_in(text: str) -> set[str]:
    """The phone numbers that the text may mean, as 79XXXXXXXXX: `+7 (977) 405-33-29`, `8 977 ...` and `977 ...` too."""
    whole = meant_phone(text.strip())
    found = {whole} if whole else set()
    for match in NUMBER.findall(text):
        digits = re.sub(r"\D", "", match)
        phone = f"7{digits[-10:]}"
        if PHONE.fullmatch(phone) and digits[:-10] in ("", "7", "8"):
            found.add(phone)
    return found


def mentions(cells: Iterable[str], digest: str, key: str) -> bool:
    """Whether one of the cells has the phone number with this digest."""
    phones = set().union(*map(phones_in, cells))
    return any(phone_digest(key, phone) == digest for phone in phones)


def _next_ids(below: int | None) -> range:
    return range((below or 0) - 1, max(0, (below or 0) - 1 - IN_A_ROW), -1)
