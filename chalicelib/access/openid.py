"""Sign-in through the identity provider: authorization code flow of OpenID Connect with PKCE, state and nonce.

The verifier of PKCE and the nonce are made of the state and the session key, so neither is in the cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ..domain.idempotency import IdempotentRequest
from ..domain.openid import Claims, base64url, challenge_of, claims_of, names_of, role_of, wrong_claim
from ..domain.principal import Principal, User
from ..errors import BadInput, NotAllowed, NotAuthenticated, Refusal, RowChanged, TooManyAttempts
from ..logs import log
from ..representation import represent_user
from ..retries import retry_lost_races
from ..texts import Text, either
from .audit import author_of
from .names import USER_NAME, require_free_name
from .sign_in_attempts import ADDRESS, SignInAttempt
from .tokens import digest
from .users import record_sign_in

if TYPE_CHECKING:
    from ..adapters.services import Services

REQUEST_LIFE = timedelta(minutes=10)
"""From the sign-in page to the answer of the provider, where the user may have to enter a second factor."""

SCOPES = "openid email profile"


def begin_request(services: Services, redirect_uri: str) -> tuple[str, str]:
    """Returns a new state, and the address of the provider with it. Raises ProviderFailed."""
    state = secrets.token_urlsafe(24)
    query = {
        "response_type": "code",
        "client_id": services.settings.oidc_client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": state,
        "nonce": _derived(services, "nonce", state),
        "code_challenge": challenge_of(_derived(services, "verifier", state)),
        "code_challenge_method": "S256",
    }
    address = services.identity_provider.endpoints().authorization
    return state, f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def sign_in_by_answer(
    services: Services,
    answer: Mapping[str, str],
    state: str | None,
    begun_at: datetime,
    redirect_uri: str,
    address: str,
) -> User:
    """`answer`: the query with which the provider sent the browser back. `state`: that of the browser's cookie.

    Raises NotAuthenticated, NotAllowed, TooManyAttempts, ProviderFailed.
    """
    try:
        _use_up(services, answer, state, begun_at)
        claims = _claims(services, answer, str(state), redirect_uri, address)
        role = role_of(claims, services.settings.oidc_client)
        user = retry_lost_races(services.clock, lambda: _user(services, claims, role))
    except Refusal as refusal:
        log.warning("sign-in refused", extra={"user": None, "reason": refusal.detail.code})
        raise
    record_sign_in(services, user.principal.name, address)
    return user


def _use_up(services: Services, answer: Mapping[str, str], state: str | None, begun_at: datetime) -> None:
    """The answer belongs to a request of this browser, made a short while ago, and is the first one to it."""
    now = services.clock.now()
    given = answer.get("state", "")
    is_own = state is not None and compare_digest(given.encode("utf-8", "surrogatepass"), state.encode())
    if not is_own or not begun_at <= now < begun_at + REQUEST_LIFE:
        raise NotAuthenticated(Text("openid.expired"))
    try:
        request = IdempotentRequest("sign-in", 0)
        services.idempotency_keys.add(f"openid#{digest(given)}", request, now, begun_at + REQUEST_LIFE)
    except RowChanged as error:
        raise NotAuthenticated(Text("openid.expired")) from error


def _claims(services: Services, answer: Mapping[str, str], state: str, redirect_uri: str, address: str) -> Claims:
    """Of an ID token that the provider gives for the code."""
    provider, client = services.identity_provider, services.settings.oidc_client
    names_itself = provider.endpoints().names_itself
    if answer.get("iss", None if names_itself else client.issuer) != client.issuer:  # RFC 9207, 2.4
        raise NotAuthenticated(Text("openid.not_ours", what="iss"))
    if "error" in answer:
        denied = answer["error"] == "access_denied"
        raise NotAuthenticated(Text("openid.denied") if denied else Text("openid.failed_there", host=provider.host))
    attempt = SignInAttempt.begin(services, {ADDRESS: address})
    if attempt.is_above_limit:
        raise TooManyAttempts(attempt.seconds_left)
    token = provider.id_token(answer.get("code", ""), _derived(services, "verifier", state), redirect_uri)
    try:
        claims = claims_of(token)
    except ValueError as error:
        raise NotAuthenticated(Text("openid.not_ours", what="id_token")) from error
    wrong = wrong_claim(claims, client, _derived(services, "nonce", state), services.clock.now())
    if wrong is not None:
        raise NotAuthenticated(Text("openid.not_ours", what=wrong))
    attempt.take_back(services)
    return claims


def _user(services: Services, claims: Claims, role: str | None) -> User:
    """The user of these claims, made or changed as they say.

    A user with the same name who signs in with a password, or is another person at the provider, is not taken over.
    """
    client, identity = services.settings.oidc_client, digest(str(claims["iss"]), str(claims["sub"]))
    user = _user_of(services, identity) if client.name_claim else None
    name = user.principal.name if user else next(filter(USER_NAME.fullmatch, names_of(claims, client.name_claim)))
    if role is None:
        raise NotAllowed(
            Text("openid.no_role", name=name, claim=client.role_claim, values=either(sorted(client.roles)))
        )
    user = user or services.users.find(name)
    if user is None:
        return _new_user(services, User(Principal(name, role), "", services.clock.now(), identity=identity))
    if user.identity != identity:
        raise NotAllowed(Text("openid.name_taken", name=name))
    if user.principal.role == role:
        return user
    changed = User(Principal(name, role), "", user.sessions_from, user.sessions, identity)
    record = author_of(services, name).record("user", name, represent_user(user), represent_user(changed))
    services.users.change_role(user, role, record)
    return changed


def _user_of(services: Services, identity: str) -> User | None:
    """The user of this person at the provider, whatever name the provider gives now.

    A person with two users could approve a mailing that the same person has announced.
    """
    return next((user for user in services.users.all() if user.identity == identity), None)


def _new_user(services: Services, user: User) -> User:
    name = user.principal.name
    try:
        require_free_name(services, name)
    except BadInput as error:
        raise NotAllowed(Text("openid.name_taken", name=name)) from error
    services.users.add(user, author_of(services, name).record("user", name, None, represent_user(user)))
    return user


def _derived(services: Services, what: str, state: str) -> str:
    """43 characters that only this service can make of the state: as long as a verifier must be (RFC 7636, 4.1)."""
    key = services.session_key.value().encode()
    return base64url(hmac.new(key, f"openid {what} {state}".encode(), hashlib.sha256).digest())
