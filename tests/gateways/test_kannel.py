"""What the table of Kannel cannot say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.gateways.kannel import Kannel
from chalicelib.gateways.port import Options
from infra.local.providers.case import SMS
from infra.local.providers.kannel import TABLE

KANNEL = Kannel(Options("http://127.0.0.1:13013"))


def headers_of(secret: str = TABLE.secret, **changes: object) -> dict[str, str]:
    return dict(KANNEL.request(replace(SMS, **changes), secret).headers)


@pytest.mark.parametrize(("text", "coding"), [("{5 €}\nNo", "0"), ("Sale — today", "2"), ("😀", "2")])
def test_a_text_outside_the_gsm_alphabet_is_sent_in_ucs_2(text: str, coding: str) -> None:
    assert headers_of(text=text)["X-Kannel-Coding"] == coding


@pytest.mark.parametrize(("lifetime", "minutes"), [(1.0, "1"), (61.0, "2"), (259_200.0, "4320"), (900_000.0, "4320")])
def test_the_lifetime_is_in_minutes_and_at_most_three_days(lifetime: float, minutes: str) -> None:
    assert headers_of(lifetime=lifetime)["X-Kannel-Validity"] == minutes


def test_a_message_without_a_sender_and_an_end_has_no_headers_for_them() -> None:
    assert not {"X-Kannel-From", "X-Kannel-Validity"} & set(headers_of(sender="", lifetime=None))


def test_a_password_of_any_letters_is_sent_in_utf_8() -> None:
    assert headers_of("anna:пароль")["X-Kannel-Password"].encode("latin-1") == "пароль".encode()


def test_nothing_about_the_message_is_in_the_address() -> None:
    assert KANNEL.request(SMS, TABLE.secret).url == "http://127.0.0.1:13013/cgi-bin/sendsms"
