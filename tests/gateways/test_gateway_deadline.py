"""A post ends at its timeout, whatever the gateway drips."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.gateways.answer import Answer

from .contract_gateway import SMS, ContractGateway, KnownToken, post
from .raw_server import CONTRACT, RawServer, serving

TIMEOUT = 1.0
"""Seconds. A busy machine may need tenths of a second to connect."""
LONGER_TIMEOUT = 3.0
"""Seconds, for posts that take longer to send."""
HUNG = 10.0
"""Seconds. A post that takes so long has no deadline: it ended with the drip."""

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

DRIPS = {
    "nothing": (b"", b""),
    "the status line": (b"HTTP/1.1 200 ", b"O"),
    "a header": (HEAD + b"X-Slow: ", b"a"),
    "headers without end": (HEAD, b"X: 1\r\n"),
    "a body with a length": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a body without a length": (HEAD + b"\r\n", b" "),
    "a body that the connection ends": (HEAD + b"Connection: close\r\n\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "the size of a chunk": (CHUNKED, b"0"),
    "an extension of a chunk": (CHUNKED + b"5;a=", b"b"),
    "trailers": (CHUNKED + b"0\r\n", b"X: 1\r\n"),
    "a continuation": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the header of a continuation": (b"HTTP/1.1 100 Continue\r\nX: ", b"a"),
    "the header of gzip": (HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\0", b"a"),
    "the body of a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b" "),
    "the body of a refusal": (b"HTTP/1.1 400 Bad Request\r\n\r\n", b" "),
}
ENCRYPTED = ("nothing", "a header", "an extension of a chunk")
"""The drips that are tried under TLS too."""

AT_ONCE = 4
Answers = Mapping[str, Future[Answer]]


def made_gateway(server: RawServer, connections: int = 2) -> ContractGateway:
    return ContractGateway(server.url, KnownToken("secret"), connections)


def cut_post(gateway: ContractGateway, timeout: float = TIMEOUT) -> Answer:
    """A post that is to end at its timeout."""
    begun = time.monotonic()
    answer = post(gateway, timeout)
    assert time.monotonic() - begun < HUNG
    return answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return file


def encrypting(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def leaking_nothing() -> Iterator[None]:
    """No thread stays behind, except those that look addresses up."""
    before = set(threading.enumerate())
    yield
    assert [one.name for one in set(threading.enumerate()) - before if not one.name.startswith("lookup")] == []


@pytest.fixture(autouse=True)
def _no_leaks() -> Iterator[None]:
    with leaking_nothing():
        yield


@pytest.fixture(scope="module")
def answers() -> Answers:
    """To all drips, some at once: each post waits for a second."""
    with leaking_nothing(), ThreadPoolExecutor(AT_ONCE) as pool:
        return {dripped: pool.submit(answer_to_a_drip, dripped) for dripped in DRIPS}


@pytest.fixture(scope="module")
def encrypted_answers(certificate: Path) -> Answers:
    with leaking_nothing(), ThreadPoolExecutor(AT_ONCE) as pool:
        return {dripped: pool.submit(answer_to_a_drip, dripped, certificate) for dripped in ENCRYPTED}


def answer_to_a_drip(dripped: str, certificate: Path | None = None) -> Answer:
    begin, piece = DRIPS[dripped]

    def drip(connection: socket.socket) -> None:
        connection.sendall(begin)
        server.drip(connection, piece)

    with serving(drip, encrypting(certificate) if certificate else None) as server:
        gateway = made_gateway(server)
        if certificate:
            gateway._http.verify = str(certificate)
        answer = cut_post(gateway, LONGER_TIMEOUT if certificate else TIMEOUT)
        gateway.close()
        return answer


@pytest.mark.parametrize("dripped", DRIPS)
def test_a_dripping_answer_is_cut_and_its_message_stays_in_doubt(dripped: str, answers: Answers) -> None:
    answer = answers[dripped].result()
    assert (answer.status, answer.never_sent) == (None, False)


@pytest.mark.parametrize("dripped", ENCRYPTED)
def test_a_dripping_answer_is_cut_under_tls(dripped: str, encrypted_answers: Answers) -> None:
    answer = encrypted_answers[dripped].result()
    assert (answer.status, answer.never_sent) == (None, False)


@pytest.mark.parametrize("flood", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 99])
def test_a_flood_of_answers_is_cut(flood: bytes) -> None:
    with serving(lambda connection: server.drip(connection, flood * 100, pause=0)) as server:
        gateway = made_gateway(server)
        assert cut_post(gateway).status is None
        gateway.close()


@pytest.mark.parametrize("piece", [b"", b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\x00"], ids=["silent", "dripping"])
def test_a_slow_tls_handshake_is_cut_before_the_message_is_sent(piece: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(piece)
        server.drip(connection, piece and b"\0")

    with serving(drip, reads_first=False) as server:
        gateway = ContractGateway(server.url.replace("http:", "https:"), KnownToken("secret"), 1)
        answer = cut_post(gateway)
        gateway.close()
        assert (answer.status, answer.never_sent) == (None, True)


def test_a_gateway_that_reads_nothing_is_cut() -> None:
    with serving(lambda _: server.is_stopping.wait() and None, reads_first=False) as server:
        gateway = made_gateway(server)
        begun = time.monotonic()
        answer = gateway.answer(replace(SMS, text="x" * 9_000_000), LONGER_TIMEOUT)
        assert time.monotonic() - begun < HUNG
        assert (answer.status, answer.never_sent) == (None, False)
        gateway.close()


def test_a_slow_lookup_of_the_address_is_cut_before_the_message_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: is_over.wait(3 * HUNG) and [])
    gateway = ContractGateway("http://sms.example.com", KnownToken("secret"), 1)
    assert cut_post(gateway) == Answer(None, "ConnectTimeout", never_sent=True)
    is_over.set()
    gateway.close()


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener whose queue is full lets further connections wait."""
    look_up = socket.getaddrinfo
    with serving(lambda connection: connection.sendall(CONTRACT)) as server, ExitStack() as opened:
        silent = opened.enter_context(socket.create_server(("127.0.0.2", server.port), backlog=0))
        for _ in range(2):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())

        def look_up_both(host: str, *rest: Any) -> Any:
            found = [look_up(address, *rest) for address in ("127.0.0.2", "127.0.0.1")]
            return [*found[0], *found[1]] if host == "localhost" else look_up(host, *rest)

        monkeypatch.setattr(socket, "getaddrinfo", look_up_both)
        gateway = made_gateway(server)
        assert post(gateway, 3).status == 200
        gateway.close()


def test_a_tls_error_after_the_request_leaves_the_message_in_doubt(certificate: Path) -> None:
    """The gateway may have accepted the message before it sent what cannot be decrypted."""

    def corrupt(connection: socket.socket) -> None:
        socket.socket.sendall(connection, b"\x17\x03\x03\x00\x20" + b"\0" * 32)  # past the encryption

    with serving(corrupt, encrypting(certificate)) as server:
        gateway = made_gateway(server)
        gateway._http.verify = str(certificate)
        answer = post(gateway)
        gateway.close()
        assert (answer.status, answer.never_sent) == (None, False)


def test_an_untrusted_certificate_gets_no_message(certificate: Path) -> None:
    with serving(lambda connection: connection.sendall(CONTRACT), encrypting(certificate)) as server:
        gateway = made_gateway(server)
        assert post(gateway) == Answer(None, "SSLError", never_sent=True)
        gateway.close()
        assert server.requests == []


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_connection_is_used_again_after_an_answer(is_encrypted: bool, certificate: Path) -> None:
    tls = encrypting(certificate) if is_encrypted else None
    with serving(lambda connection: connection.sendall(CONTRACT), tls) as server:
        gateway = made_gateway(server)
        gateway._http.verify = str(certificate)
        assert [post(gateway).status for _ in range(5)] == [200] * 5
        assert server.connections == 1
        gateway.close()


def test_a_connection_that_was_cut_is_not_used_again() -> None:
    def answer_the_second(connection: socket.socket) -> None:
        if len(server.requests) == 1:
            server.is_stopping.wait(2 * TIMEOUT)  # the late answer of the first post is not that of the second
        connection.sendall(CONTRACT.replace(b'"code": 0', f'"code": {len(server.requests) - 1}'.encode()))

    with serving(answer_the_second) as server:
        gateway = made_gateway(server)
        assert cut_post(gateway).status is None
        answer = post(gateway)
        assert answer == Answer(200, '{"code": 1, "message": "OK"}')
        gateway.close()


def test_posts_of_many_threads_have_a_deadline_each() -> None:
    def drip_to_every_second(connection: socket.socket) -> None:
        if b'"text": "slow"' in server.requests[-1]:
            server.drip(connection, b"H")
        connection.sendall(CONTRACT)

    with serving(drip_to_every_second) as server, ThreadPoolExecutor(8) as threads:
        gateway = made_gateway(server, connections=8)
        begun = time.monotonic()
        slow = [threads.submit(gateway.answer, replace(SMS, id=number, text="slow"), TIMEOUT) for number in range(4)]
        assert [one.result().status for one in slow] == [None] * 4
        quick = [threads.submit(gateway.answer, replace(SMS, id=number, text="quick"), 30) for number in range(40)]
        assert [one.result().status for one in quick] == [200] * 40
        assert time.monotonic() - begun < HUNG
        gateway.close()
