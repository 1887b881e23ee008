"""Phone numbers and tokens are masked in logs. Other numbers stay readable."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.masking import mask_digits, mask_phones, mask_text, masked
from chalicelib.domain.message import message_id

PHONES = st.integers(70_000_000_000, 79_999_999_999)
NO_DIGITS = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)
IDS = st.integers(1, 10**6)


@given(NO_DIGITS, PHONES, NO_DIGITS)
def test_a_phone_number_is_masked_anywhere_in_a_text(before: str, phone: int, after: str) -> None:
    text = mask_text(f"{before}{phone}{after}")
    assert str(phone)[4:] not in text
    assert str(phone)[:4] + "*******" in text


NESTED = st.recursive(
    PHONES | PHONES.map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PHONES.map(str), inner, max_size=3),
)


@given(NESTED, PHONES)
def test_phone_numbers_are_masked_at_any_depth_as_numbers_texts_and_keys(value: Any, phone: int) -> None:
    text = json.dumps(masked({"extra": value, "client_id": phone, "mailing_id": str(phone)}))
    assert "*******" in text
    assert not any(part.isdigit() and len(part) >= 11 for part in text.replace('"', " ").split())


@pytest.mark.parametrize("written", ["+79774053329", "+7 977 405-33-29", "+7 (977) 405-33-29", "+7-977-405.33.29"])
def test_formatted_phone_numbers_are_masked(written: str) -> None:
    assert mask_text(f"no route to {written}, give up") == "no route to 7977*******, give up"


@given(st.integers(1, 10**6), st.integers(1, 10**10 - 1))
def test_ids_of_the_service_are_not_masked_even_if_they_look_like_phone_numbers(mailing: int, client: int) -> None:
    line = {"mailing_id": mailing, "client_id": client, "message_id": message_id(mailing, client)}
    assert masked(line) == line
    assert mask_text(f" {client} {client} ") == f" {client} {client} "


@given(st.datetimes().map(str), st.integers(10**12, 2 * 10**12), st.integers(10**9, 2 * 10**9), st.floats())
def test_times_are_not_masked(moment: str, milliseconds: int, seconds: int, number: float) -> None:
    assert masked([moment, milliseconds, seconds, True, None]) == [moment, milliseconds, seconds, True, None]
    assert masked({"request_id": "5ad3c3a6-3f2f-4a7e-9d2c-a79774053329"})["request_id"].endswith("a79774053329")  # type: ignore[index]


def test_a_message_id_in_a_text_may_be_masked() -> None:
    assert mask_text("POST /v1/send/120000000345") == "POST /v1/send/120000000345"
    assert mask_text("POST /v1/send/70000000345") == "POST /v1/send/7000*******", "it might be a phone number"


@pytest.mark.parametrize(
    "secret",
    [f"Token {'f3a527cd' * 5}", "Bearer abc.def-ghi", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"],
)
def test_tokens_are_masked(secret: str) -> None:
    assert secret.split()[-1] not in mask_text(f"Invalid header value b'{secret}' of a request")


def test_a_digest_is_not_masked() -> None:
    assert mask_text("a86a3116" * 8) == "a86a3116" * 8


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize("before", ["", "token=", "a.", "id_", "токен", "b'", "eyJ.", "eyJeyJ"])
def test_a_jwt_is_masked_after_anything(before: str) -> None:
    text = mask_text(f"{before}{JWT} of a request")
    assert "***" in text
    assert not set(JWT.split(".")) & set(re.split(r"[^\w-]", text))
    assert text.endswith("of a request")


@pytest.mark.parametrize("unit", ["eyJ", "eyJ.", "eyJa.", "eyJa.b", "-eyJ", "Bearer ", "+7 ", "+7(9", "7", "a1", "{a|"])
def test_a_megabyte_of_anything_is_masked(unit: str) -> None:
    """A pattern whose time grows with the square of the text would not end."""
    assert mask_text(unit * (2**20 // len(unit)))


@pytest.mark.parametrize(
    "written", ["79774053329", "8 (977) 405-33-29", "+7-977-405-33-29", "9774053329", "8.977.4053329"]
)
def test_pages_mask_numbers_as_people_write_them(written: str) -> None:
    assert mask_phones(f"call {written}, please") == "call 7977*******, please"


@pytest.mark.parametrize("written", ["2026-09-27T10:00:00.977405Z", "977405332", "9.5", "97740533299", "Europe/Moscow"])
def test_pages_mask_no_other_numbers(written: str) -> None:
    assert mask_phones(written) == written


def test_of_a_text_that_should_be_a_number_the_first_four_digits_are_shown() -> None:
    assert mask_digits("8 (977) 405-33") == "8 (977) ***-**"
