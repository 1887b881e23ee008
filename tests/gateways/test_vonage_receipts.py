"""What the table of Vonage's receipts cannot say."""

from __future__ import annotations

import pytest

from chalicelib.gateways.receipts.port import Keys
from chalicelib.gateways.receipts.vonage import verify
from infra.local.providers.receipts.case import SECRET, get
from infra.local.providers.receipts.vonage import URL

FIELDS = {"a": "1", "b": "2", "timestamp": "1461605396", "sig": "6af838ef94998832dbfc29020b564830"}
"""From the tests of Vonage's own library, vonage-python-sdk, with the secret `secret`."""


@pytest.mark.parametrize(
    ("change", "secret", "is_genuine"),
    [
        ({}, "secret", True),
        ({"sig": FIELDS["sig"].upper()}, "secret", True),
        ({}, "other", False),
        ({"b": "3"}, "secret", False),
        ({"sig": ""}, "secret", False),
    ],
)
def test_the_signature_is_that_of_vonages_library(change: dict[str, str], secret: str, is_genuine: bool) -> None:
    assert verify(get(URL, {**FIELDS, **change}), Keys(f"{SECRET}:{secret}")) == is_genuine
