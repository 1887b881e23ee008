"""OpenID Connect: what an ID token must say, and which user and role it means.

The signature of the ID token is not checked. It comes from the token endpoint itself, over TLS, and OpenID Connect
Core 1.0, 3.1.3.7, item 6, allows the validation of the TLS server in place of the signature.
Source: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any

from .principal import ROLES

Claims = Mapping[str, Any]

CLOCK_SKEW = 120
"""Seconds by which the clocks of the provider and of this service may differ."""

LONGEST_AGE = 600
"""Seconds since the ID token was issued. It is read right after that."""


@dataclass(frozen=True)
class OpenIdClient:
    """This service as the provider knows it. `role_claim`: the name or path of the claim with the roles.

    `roles`: the role here, by the value of the claim. `name_claim`: the name or path of a claim that names a user; may
    be empty.
    """

    issuer: str
    client_id: str
    role_claim: str
    roles: Mapping[str, str]
    name_claim: str = ""


def challenge_of(verifier: str) -> str:
    """S256 of PKCE (RFC 7636, 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def claims_of(id_token: str) -> Claims:
    """The claims of a JWT in compact form (RFC 7519, 7.2). Raises ValueError."""
    parts = id_token.split(".")
    if len(parts) != 3:
        raise ValueError("the ID token is not a signed JWT")
    payload = parts[1] + "=" * (-len(parts[1]) % 4)
    claims = json.loads(base64.b64decode(payload, altchars="-_", validate=True))
    if not isinstance(claims, dict):
        raise ValueError("the ID token has no claims")
    return claims


def wrong_claim(claims: Claims, client: OpenIdClient, nonce: str, now: datetime) -> str | None:
    """The first claim that does not belong to this sign-in, by items 2 to 4 and 9 to 11 of Core 3.1.3.7; or None."""
    moment = now.timestamp()
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    issued_at, expires_at = _number(claims, "iat"), _number(claims, "exp")
    is_right = {
        "iss": claims.get("iss") == client.issuer,
        "aud": client.client_id in audiences,
        "azp": claims.get("azp", None if len(audiences) > 1 else client.client_id) == client.client_id,
        "exp": expires_at is not None and moment < expires_at + CLOCK_SKEW,
        "iat": issued_at is not None and -CLOCK_SKEW < moment - issued_at < LONGEST_AGE + CLOCK_SKEW,
        "nonce": _is_same(claims.get("nonce"), nonce),
        "sub": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,
    }
    return next((name for name, right in is_right.items() if not right), None)


def names_of(claims: Claims, name_claim: str = "") -> Sequence[str]:
    """Names for the user, the best first: that of the name claim, the email if the provider has verified it, the
    subject, and one that always fits.
    """
    claimed = _at(claims, name_claim) if name_claim else None
    subject = str(claims["sub"])
    email = claims.get("email") if claims.get("email_verified") in (True, "true") else None
    always = "openid-" + hashlib.sha256(subject.encode()).hexdigest()[:16]
    return [*(name.lower() for name in (claimed, email) if isinstance(name, str)), subject, always]


def role_of(claims: Claims, client: OpenIdClient) -> str | None:
    """The first of ROLES that a value of the claim means; None if none does."""
    values = _at(claims, client.role_claim)
    found = {client.roles.get(value) for value in (values if isinstance(values, list) else [values]) if _is_name(value)}
    return next((role for role in ROLES if role in found), None)


def _at(claims: Claims, path: str) -> Any:
    """A claim by its name, or by a path such as `realm_access.roles`. A name may have points, too."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str)


def _number(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_same(given: object, expected: str) -> bool:
    return isinstance(given, str) and compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
