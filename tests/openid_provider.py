"""An OpenID provider on loopback: oidc-provider-mock, which checks no PKCE, behind a check of the verifier."""

from __future__ import annotations

import json
import warnings
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests
from werkzeug.serving import make_server

SECRET = "secret of the client: %/+"
CLIENT_ID = "sms-console"


class Provider:
    """`claims`: changes of each ID token. `metadata`: changes of the discovery document. `calls`: paths, in order."""

    def __init__(self, url: str, app: Any) -> None:
        self.url = url
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.calls: list[str] = []
        self._app = app
        self._challenges: dict[str, str] = {}
        self._lock = Lock()

    def put_user(self, subject: str, **claims: Any) -> None:
        requests.put(f"{self.url}/users/{quote(subject)}", json=claims, timeout=5).raise_for_status()

    def answer(self, address: str, subject: str = "", **form: str) -> str:
        """Sign in there, or `action="deny"`. Returns the address to which the browser is sent back."""
        sent = requests.post(address, data={"sub": subject, **form}, timeout=5, allow_redirects=False)
        assert sent.status_code == 302, sent.text
        return sent.headers["Location"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """As WSGI. The body of a request is read once more by the server behind."""
        path = environ["PATH_INFO"]
        self.calls.append(path)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if path.endswith("/token") and (refusal := self._refusal(environ, parse_qs(body.decode()))):
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [json.dumps({"error": refusal}).encode()]
        found: list[Any] = []
        with self._lock, ignored_warnings():
            content = b"".join(self._app(environ, lambda status, headers, info=None: found.extend((status, headers))))
        status, headers = found
        content = self._changed(path, content, dict(headers), parse_qs(environ["QUERY_STRING"]))
        start_response(status, [one for one in headers if one[0] != "Content-Length"])
        return [content]

    def _refusal(self, environ: dict[str, Any], form: dict[str, list[str]]) -> str | None:
        given = b64decode(environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2]).decode()
        if given != f"{CLIENT_ID}:{quote(SECRET, safe='').replace('%20', '+')}":
            return "invalid_client"
        digest = sha256(form["code_verifier"][0].encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        return None if self._challenges.pop(form["code"][0], None) == challenge else "invalid_grant"

    def _changed(self, path: str, content: bytes, headers: dict[str, str], query: dict[str, list[str]]) -> bytes:
        if path.endswith("/authorize") and "Location" in headers:
            answer = parse_qs(urlsplit(headers["Location"]).query)
            if "code" in answer:
                assert query["code_challenge_method"] == ["S256"]
                self._challenges[answer["code"][0]] = query["code_challenge"][0]
        if path.endswith("openid-configuration"):
            return json.dumps(json.loads(content) | self.metadata).encode()
        if path.endswith("/token") and self.claims:
            answer = json.loads(content)
            head, payload, signature = answer["id_token"].split(".")
            claims = json.loads(b64decode(payload + "==", altchars=b"-_")) | self.claims
            changed = b64encode(json.dumps(claims).encode(), altchars=b"-_").decode().rstrip("=")
            return json.dumps(answer | {"id_token": f"{head}.{changed}.{signature}"}).encode()
        return content


@contextmanager
def ignored_warnings() -> Iterator[None]:
    """The package uses what its own packages call deprecated, and a warning fails a test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def running_provider(port: int = 0) -> Iterator[Provider]:
    with ignored_warnings():
        import oidc_provider_mock
    placeholder: list[Provider] = []
    server = make_server("127.0.0.1", port, lambda *call: placeholder[0](*call), threaded=True)
    provider = Provider(f"http://127.0.0.1:{server.server_port}", oidc_provider_mock.app())
    placeholder.append(provider)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
