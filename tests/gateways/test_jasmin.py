"""What the table of Jasmin cannot say."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from chalicelib.errors import BadSettings
from chalicelib.gateways.jasmin import Jasmin
from chalicelib.gateways.port import Options
from infra.local.providers.case import SMS
from infra.local.providers.jasmin import TABLE

URL = "http://127.0.0.1:1401"
SHORT_LIVED = Options(URL, {"validity": True})


def fields_of(options: Options = SHORT_LIVED, **changes: object) -> dict[str, list[str]]:
    return parse_qs(Jasmin(options).request(replace(SMS, **changes), TABLE.secret).body.decode())


@pytest.mark.parametrize("text", ["Да", "Sale — today", "😀"])
def test_a_text_outside_the_gsm_alphabet_is_sent_as_utf_16_in_hex(text: str) -> None:
    fields = fields_of(text=text)
    assert bytes.fromhex(fields["hex-content"][0]).decode("utf-16-be") == text
    assert fields["coding"] == ["8"]
    assert "content" not in fields


def test_a_text_of_the_gsm_alphabet_is_sent_as_it_is() -> None:
    fields = fields_of(text="{5 €}\nNo")
    assert (fields["coding"], fields["content"]) == (["0"], ["{5 €}\nNo"])
    assert "hex-content" not in fields


def test_the_lifetime_is_not_sent_unless_the_option_says_so() -> None:
    """Jasmin loses one of ten such messages: its issue 1179."""
    assert "validity-period" not in fields_of(Options(URL))
    assert "validity-period" not in fields_of(Options(URL, {"validity": False}))


@pytest.mark.parametrize(("lifetime", "minutes"), [(1.0, "1"), (61.0, "2"), (259_200.0, "4320"), (900_000.0, "4320")])
def test_the_lifetime_is_in_minutes_and_at_most_three_days(lifetime: float, minutes: str) -> None:
    assert fields_of(lifetime=lifetime)["validity-period"] == [minutes]


def test_an_option_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(BadSettings, match="GATEWAY_OPTIONS: validity: true or false is expected"):
        Jasmin(Options(URL, {"validity": "yes"}))
