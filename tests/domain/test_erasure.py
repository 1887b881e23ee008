"""The digest of a phone number, the numbers in a text, and the steps of a clean-up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.erasure import erasure_of_client, erasure_of_phone, mentions, phones_in
from chalicelib.domain.phone_digest import phone_digest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PHONE = "79774053329"


def test_a_digest_depends_on_the_number_and_on_the_key() -> None:
    digests = {phone_digest(key, phone) for key in ("a", "b") for phone in (PHONE, "79774053328")}
    assert len(digests) == 4
    assert {len(digest) for digest in digests} == {64}
    assert phone_digest("a", PHONE) == phone_digest("a", PHONE)


@pytest.mark.parametrize(
    "text",
    [
        "79774053329",
        "+79774053329",
        "8 977 405 33 29",
        "+7 (977) 405-33-29",
        "9774053329",
        "tel. 8-977-405-33-29, Anna",
    ],
)
def test_a_number_is_found_however_a_person_writes_it(text: str) -> None:
    assert phones_in(text) == {PHONE}
    assert mentions(["vip", text], phone_digest("key", PHONE), "key")


@pytest.mark.parametrize("text", ["", "vip", "7977405332", "797740533299", "74951234567", "59774053329", "2026-11-23"])
def test_other_texts_have_no_number(text: str) -> None:
    assert PHONE not in phones_in(text)


def test_a_clean_up_goes_through_the_ids_from_the_newest_a_hundred_at_a_time() -> None:
    erasure = erasure_of_client(7, "digest", NOW)
    assert (len(erasure.mailing_ids), len(erasure.import_ids)) == (0, 0), "not begun"
    erasure = erasure.begun(250, 3)
    seen: list[int] = []
    while ids := erasure.mailing_ids:
        assert len(ids) <= 100
        seen += ids
        erasure = replace(erasure, mailings_below=ids[-1])
    assert seen == list(range(250, 0, -1))
    assert erasure.begun(999, 999) == erasure, "what is made later has no traces"


def test_a_number_without_a_client_has_no_messages() -> None:
    erasure = erasure_of_phone("digest", NOW).begun(250, 3)
    assert not erasure.mailing_ids
    assert list(erasure.import_ids) == [3, 2, 1]
