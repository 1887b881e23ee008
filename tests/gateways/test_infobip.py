"""What the table of Infobip cannot say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.gateways.infobip import KINDS, Infobip
from chalicelib.gateways.port import Options
from chalicelib.settings import read_settings
from infra.local.providers.case import SMS
from infra.local.providers.infobip import TABLE


@pytest.mark.parametrize(("lifetime", "amount"), [(0.5, 1), (90.2, 91), (400_000.0, 172_800)])
def test_the_lifetime_is_in_seconds_and_at_most_two_days(lifetime: float, amount: int) -> None:
    post = Infobip(Options("https://a.api.infobip.com")).request(replace(SMS, lifetime=lifetime), "key")
    (message,) = json.loads(post.body)["messages"]
    assert message["options"]["validityPeriod"]["amount"] == amount


def test_a_repeated_id_is_trusted_only_if_the_settings_say_so() -> None:
    environment = {"GATEWAY": "infobip", "GATEWAY_URL": "https://a.api.infobip.com"}
    assert not read_settings(environment).gateway_dedupes
    assert read_settings({**environment, "GATEWAY_DEDUPES": "true"}).gateway_dedupes


def test_every_status_has_a_case_in_the_table() -> None:
    in_table = " ".join(case.body for case in TABLE.answers)
    assert [number for number in KINDS if f'"id": {number},' not in in_table] == []
