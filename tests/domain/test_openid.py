"""What an ID token must say, and which user and role it means. tests/http/test_console_openid.py has the attacks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.openid import OpenIdClient, base64url, challenge_of, claims_of, names_of, role_of, wrong_claim

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
MOMENT = int(NOW.timestamp())
CLIENT = OpenIdClient(
    "https://id.example.com", "sms", "roles", {"admins": "admin", "leads": "approver", "readers": "read"}
)
CLAIMS = {"iss": CLIENT.issuer, "aud": "sms", "sub": "17", "nonce": "n", "iat": MOMENT, "exp": MOMENT + 60}


def test_the_challenge_is_that_of_the_example_in_rfc_7636() -> None:
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, None),
        ({"aud": ["sms"]}, None),
        ({"aud": ["sms", "other"], "azp": "sms"}, None),
        ({"exp": MOMENT - 60, "iat": MOMENT + 60}, None),
        ({"exp": MOMENT - 3600}, "exp"),
        ({"exp": str(MOMENT + 60)}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": MOMENT + 3600}, "iat"),
        ({"iat": None}, "iat"),
        ({"iss": "https://id.example.com/"}, "iss"),
        ({"aud": "sms2"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["sms", "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"nonce": "\ud800"}, "nonce"),
        ({"sub": ""}, "sub"),
        ({"sub": 17}, "sub"),
    ],
    ids=str,
)
def test_an_id_token_belongs_to_this_client_this_sign_in_and_this_moment(
    change: dict[str, Any], wrong: str | None
) -> None:
    assert wrong_claim({**CLAIMS, **change}, CLIENT, "n", NOW) == wrong


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "a.!.c", f"a.{base64url(b'[]')}.c", f"a.{base64url(b'x')}.c"])
def test_what_is_no_signed_jwt_has_no_claims(token: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json and of base64, too
        claims_of(token)


@pytest.mark.parametrize(
    ("claim", "claims", "role"),
    [
        ("roles", {"roles": ["readers", "admins"]}, "admin"),
        ("roles", {"roles": ["readers", "leads"]}, "approver"),
        ("roles", {"roles": "readers"}, "read"),
        ("roles", {"roles": ["Readers", 1, None, ["admins"]]}, None),
        ("roles", {}, None),
        ("realm_access.roles", {"realm_access": {"roles": ["readers"]}}, "read"),
        ("realm_access.roles", {"realm_access": ["roles"]}, None),
        ("https://example.com/roles", {"https://example.com/roles": ["readers"]}, "read"),
        ("cognito:groups", {"cognito:groups": ["admins"]}, "admin"),
    ],
)
def test_the_role_comes_from_the_claim(claim: str, claims: dict[str, Any], role: str | None) -> None:
    assert role_of(claims, OpenIdClient(CLIENT.issuer, "sms", claim, CLIENT.roles)) == role


def test_an_email_is_a_name_only_if_the_provider_has_verified_it() -> None:
    email = {"sub": "17", "email": "Anna@Example.com"}
    assert names_of({**email, "email_verified": True})[0] == "anna@example.com"
    assert names_of({**email, "email_verified": "true"})[0] == "anna@example.com"
    for verified in (False, None, "false", 1.5):
        assert names_of({**email, "email_verified": verified})[0] == "17"
