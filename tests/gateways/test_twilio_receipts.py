"""What the table of Twilio's receipts cannot say."""

from __future__ import annotations

import pytest

from chalicelib.gateways.receipts.port import Call, Keys
from chalicelib.gateways.receipts.twilio import verify
from infra.local.providers.receipts.case import SECRET, post
from infra.local.providers.receipts.twilio import AUTH_TOKEN, TABLE, URL, status_call

FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
"""An example of Twilio's documentation: https://www.twilio.com/docs/usage/security"""


def test_the_signature_is_that_of_twilios_documentation() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    call = post(url, FIELDS, {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="})
    assert verify(call, Keys(SECRET, "AC1:12345"))
    assert not verify(call, Keys(SECRET, "AC1:12346"))


@pytest.mark.parametrize(
    ("keys", "is_genuine"),
    [
        (Keys(SECRET, "SK1:secret"), False),
        (Keys(f"{SECRET}:{AUTH_TOKEN}", "SK1:secret"), True),
        (Keys(f"{SECRET}:other", f"AC1:{AUTH_TOKEN}"), False),
        (Keys(SECRET, "AC1:"), False),
        (Keys(SECRET), False),
    ],
)
def test_with_an_api_key_the_auth_token_stands_behind_the_secret_of_receipts(keys: Keys, is_genuine: bool) -> None:
    assert verify(status_call("delivered"), keys) == is_genuine


def test_a_get_is_not_genuine_without_its_signature() -> None:
    assert not verify(Call("GET", URL), TABLE.keys)
