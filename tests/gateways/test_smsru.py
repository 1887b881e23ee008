"""What the table of SMS.ru cannot say."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from chalicelib.gateways.port import Options
from chalicelib.gateways.smsru import KINDS, SmsRu
from infra.local.providers.case import SMS
from infra.local.providers.smsru import TABLE

SMSRU = SmsRu(Options("https://sms.ru"))


@pytest.mark.parametrize(("lifetime", "minutes"), [(1.0, "1"), (61.0, "2"), (86_400.0, "1440"), (900_000.0, "1440")])
def test_the_lifetime_is_in_minutes_and_at_most_a_day(lifetime: float, minutes: str) -> None:
    body = SMSRU.request(replace(SMS, lifetime=lifetime), TABLE.secret).body.decode()
    assert parse_qs(body)["ttl"] == [minutes]


def test_every_code_has_a_case_in_the_table() -> None:
    in_table = re.findall(r'"status_code": (\d+)', " ".join(case.body for case in TABLE.answers))
    assert set(KINDS) <= set(map(int, in_table))
