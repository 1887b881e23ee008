"""The identity provider of OpenID Connect: its discovery document, and the exchange of a code for an ID token.

Each call ends in time, follows no redirect and goes over TLS; on the stage `local` it may go to loopback without TLS.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ..errors import NotAuthenticated, ProviderFailed
from ..gateways.bounded_http import BoundedHttp, exchange, times
from ..gateways.port import Secret
from ..logs import log
from ..setting_values import is_loopback
from ..texts import Text

DISCOVERY = "/.well-known/openid-configuration"
DISCOVERY_LIFE_SECONDS = 3600.0
SECONDS = 5.0
"""For one call. The API function has 20 for a request, which makes two calls at most."""

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Endpoints:
    """From the discovery document (OpenID Connect Discovery 1.0, 3). `names_itself`: by RFC 9207."""

    authorization: str
    token: str
    takes_basic: bool
    names_itself: bool


class IdentityProvider:
    """`is_local`: whether addresses on loopback may begin with http://."""

    def __init__(self, issuer: str, client_id: str, secret: Secret, is_local: bool) -> None:
        self.host = urlsplit(issuer).hostname or issuer
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._is_local = is_local
        self._http = BoundedHttp(1, times)
        self._found: Endpoints | None = None
        self._good_until = 0.0

    def endpoints(self) -> Endpoints:
        """Read once in an hour. Raises ProviderFailed."""
        if self._found is None or time.monotonic() > self._good_until:
            self._found = self._discover()
            self._good_until = time.monotonic() + DISCOVERY_LIFE_SECONDS
        return self._found

    def id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Exchange the code of a sign-in. Raises NotAuthenticated, ProviderFailed."""
        endpoints = self.endpoints()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form |= {"code_verifier": verifier}
        headers = {"Content-Type": FORM, "Accept": "application/json"}
        if endpoints.takes_basic:
            headers["Authorization"] = self._basic()
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret.value()}
        status, answer = self._call("POST", endpoints.token, urlencode(form).encode(), headers)
        if status != requests.codes.ok:
            raise self._refused(status, answer)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed(Text("openid.unexpected", host=self.host, what="id_token"))
        return token

    def _discover(self) -> Endpoints:
        """The issuer must name itself exactly as configured (Discovery 4.3), or another one could speak for it."""
        status, found = self._call("GET", self._issuer.rstrip("/") + DISCOVERY, b"", {"Accept": "application/json"})
        if status != requests.codes.ok or found.get("issuer") != self._issuer:
            raise ProviderFailed(Text("openid.unexpected", host=self.host, what="issuer"))
        addresses = {name: found.get(f"{name}_endpoint") for name in ("authorization", "token")}
        for name, address in addresses.items():
            if not isinstance(address, str) or not self._is_safe(address):
                raise ProviderFailed(Text("openid.unexpected", host=self.host, what=f"{name}_endpoint"))
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        names_itself = found.get("authorization_response_iss_parameter_supported") is True
        return Endpoints(str(addresses["authorization"]), str(addresses["token"]), _has_basic(methods), names_itself)

    def _is_safe(self, address: str) -> bool:
        scheme = urlsplit(address).scheme
        return scheme == "https" or (scheme == "http" and self._is_local and is_loopback(address))

    def _call(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of the answer; an empty object for any other content."""
        if not self._is_safe(url):
            raise ProviderFailed(Text("openid.unexpected", host=self.host, what="https"))
        try:
            with exchange(SECONDS):
                answer = self._http.send(method, url, body, headers)
                content = answer.content
        except (requests.RequestException, HTTPError, OSError) as error:
            log.warning("identity provider not reached", extra={"error": type(error).__name__})
            raise ProviderFailed(Text("openid.not_reached", host=self.host)) from error
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        return answer.status_code, found if isinstance(found, dict) else {}

    def _basic(self) -> str:
        """Both parts are encoded as in a form first (RFC 6749, 2.3.1)."""
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._secret.value())}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _refused(self, status: int, answer: dict[str, Any]) -> Exception:
        """By the error codes of RFC 6749, 5.2."""
        code = answer.get("error")
        log.warning("identity provider refused a code", extra={"status": status, "reason": _word(code)})
        if code == "invalid_grant":
            return NotAuthenticated(Text("openid.expired"))
        if code in ("invalid_client", "unauthorized_client"):
            self._secret.expire()
            return ProviderFailed(Text("openid.wrong_client", host=self.host))
        return ProviderFailed(Text("openid.unexpected", host=self.host, what=_word(code) or str(status)))


def _has_basic(methods: object) -> bool:
    return not isinstance(methods, list) or "client_secret_basic" in methods or "client_secret_post" not in methods


def _word(code: object) -> str:
    """An error code of the provider, if it looks like one: the provider may send any text."""
    return code if isinstance(code, str) and code.isascii() and code.isidentifier() and len(code) <= 40 else ""
