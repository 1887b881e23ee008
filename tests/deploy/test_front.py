"""The front over an API Gateway that answers errors as LocalStack does, without the template's texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from infra.local.front import Front
from infra.local.service import free_port

TOO_LARGE = (
    "Request body is too large: at most 256 KB are expected, of a CSV file 5 MB (4.4 MB as application/octet-stream)."
)
REQUEST_ID = "5ad3c3a6-3f2f-4a7e-9d2c-000000000000"
NO_TOKEN = "Authentication credentials were not provided, or are not a valid token."
CASES: dict[str, tuple[int, str, dict[str, Any]]] = {
    "/unknown": (404, "MissingAuthenticationTokenException", {"message": "Missing Authentication Token"}),
    "/not-customized": (403, "MissingAuthenticationTokenException", {"message": "Missing Authentication Token"}),
    "/no-token": (401, "UnauthorizedException", {"message": "Unauthorized"}),
    "/denied": (401, "AccessDeniedException", {"Message": "User is not authorized to access this resource"}),
    "/large": (413, "RequestTooLargeException", {"message": "Request Too Long"}),
    "/busy": (429, "TooManyRequestsException", {"message": "Too Many Requests"}),
    "/broken": (502, "InternalServerErrorException", {"message": "Internal server error"}),
    "/customized": (404, "MissingAuthenticationTokenException", {"detail": "Not found."}),
    "/own": (400, "", {"message": ["This field may not be blank."]}),
}
"""Status, error type and body of the emulator, by path. No error type: the service itself answers."""


class Emulator(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, error_type, fields = CASES[self.path]
        body = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if error_type:
            self.send_header("x-amzn-ErrorType", error_type)
            self.send_header("x-amzn-RequestId", REQUEST_ID)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Writes nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    emulator = ThreadingHTTPServer(("127.0.0.1", 0), Emulator)
    Thread(target=emulator.serve_forever, daemon=True).start()
    port = free_port()
    front = Front(port, f"http://127.0.0.1:{emulator.server_port}")
    front.start()
    yield f"http://127.0.0.1:{port}"
    front.stop()
    emulator.shutdown()
    emulator.server_close()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/unknown", 404, {"detail": "Not found."}),
        ("/not-customized", 404, {"detail": "Not found."}),
        ("/no-token", 401, {"detail": NO_TOKEN}),
        ("/denied", 401, {"detail": "Invalid token."}),
        ("/large", 413, {"detail": TOO_LARGE, "request_id": REQUEST_ID}),
        ("/busy", 429, {"detail": "Too Many Requests"}),
        ("/broken", 502, {"detail": "A server error occurred.", "request_id": REQUEST_ID}),
        ("/customized", 404, {"detail": "Not found."}),
        ("/own", 400, {"message": ["This field may not be blank."]}),
    ],
)
def test_errors_of_api_gateway_have_the_contracts_format(
    url: str, path: str, status: int, body: dict[str, Any]
) -> None:
    answer = requests.get(url + path, timeout=30)
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["Content-Type"].startswith("application/json")
    is_of_gateway = "detail" in body and path != "/customized"
    assert answer.headers.get("X-Request-Id") == (REQUEST_ID if is_of_gateway else None)


def test_an_error_without_a_body_stays_as_it_is(url: str) -> None:
    assert requests.head(f"{url}/unknown", timeout=30).status_code == 404
