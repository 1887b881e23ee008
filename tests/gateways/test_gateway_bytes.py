"""A post becomes an answer whatever bytes the gateway sends."""

from __future__ import annotations

import gzip
import json
import logging
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.sms import MAX_CHARACTERS
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.bounded_http import ANSWER_LIMIT
from chalicelib.gateways.http_gateway import BODY_LIMIT
from chalicelib.gateways.port import Options
from chalicelib.gateways.twilio import Twilio
from tests.depth import depth

from .contract_gateway import NOW, post
from .raw_server import CONTRACT, answering_with, serving
from .test_gateway_deadline import made_gateway

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b'{"code": 0, "message": "OK"}'
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(BODY)
BOMB = gzip.compress(b" " * 50_000_000)

BROKEN = {
    "nothing": b"",
    "no HTTP": b"220 mail.example.com ESMTP\r\n",
    "another protocol": b"HTTP/9.9 200 OK\r\n\r\n",
    "half a status line": b"HTTP/1.1 20",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a status of letters": b"HTTP/1.1 OK 200\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a negative status": b"HTTP/1.1 -200 OK\r\n\r\n",
    "a long status line": b"HTTP/1.1 200 " + b"a" * 70_000,
    "a long header": OK + b"X: " + b"a" * 70_000,
    "many headers": OK + b"X: 1\r\n" * 1_000,
    "many long headers": OK + (b"X: " + b"a" * 60_000 + b"\r\n") * 90,
    "two lengths": OK + b"Content-Length: 1, 2\r\n\r\n" + BODY,
    "a short body": OK + b"Content-Length: 100\r\n\r\n" + BODY,
    "a broken chunk": CHUNKED + b"zz\r\n" + BODY,
    "a negative chunk": CHUNKED + b"-5\r\n" + BODY,
    "a chunk of minus one": CHUNKED + b"-1\r\n" + BODY * 100_000,
    "half a chunk": CHUNKED + b"ff\r\n" + BODY,
    "a chunk without end": CHUNKED + b"1c\r\n" + BODY,
    "no gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + BODY,
    "half of gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + PACKED,
    "no deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + BODY,
    "continuations without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
}
"""Answers that cannot be read: a post with one is in doubt."""

ODD = {
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n", 302),
    "redirect to bytes": (b"HTTP/1.1 307 Moved\r\nLocation: \xff\xfe\x00\r\n\r\n", 307),
    "redirect to itself": (b"HTTP/1.1 308 Moved\r\nLocation: /v1/send/10000000001\r\n\r\n", 308),
    "redirect with a chunk of minus one": (
        CHUNKED.replace(b"200 OK", b"302 Found\r\nLocation: /") + b"-1\r\n" + BODY,
        None,
    ),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + CONTRACT, 103),
    "switching protocols": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0", 101),
    "continued": (b"HTTP/1.1 100 Continue\r\n\r\n" + CONTRACT, 200),
    "only a header": (OK + b"X: 1\r\n", 200),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304),
    "999": (b"HTTP/1.1 999 No\r\n\r\n", 999),
    "HTTP/0.9 in 1.0": (b"HTTP/1.0 200 OK\r\n\r\n" + BODY, 200),
    "a negative length": (OK + b"Content-Length: -1\r\n\r\n" + BODY, 200),
    "a length of letters": (OK + b"Content-Length: many\r\n\r\n" + BODY, 200),
    "a header without a colon": (OK + b"phone 79770000001\r\n\r\n" + BODY, 200),
    "a header of bytes": (OK + b"X-\xff: \xfe\x00\r\n\r\n" + BODY, 200),
    "an unknown encoding": (OK + b"Content-Encoding: zz\r\n\r\n" + BODY, 200),
    "gzip": (OK + b"Content-Encoding: gzip\r\n\r\n" + PACKED, 200),
    "a bomb of gzip": (OK + b"Content-Encoding: gzip\r\n\r\n" + BOMB, 200),
    "a large body": (b"HTTP/1.1 503 Busy\r\nContent-Length: 9000000000\r\n\r\n" + b" " * 2_000_000, 503),
    "a large chunk": (CHUNKED.replace(b"200 OK", b"400 No") + b"ffffffffff\r\n" + b" " * 2_000_000, 400),
    "a length of many digits": (OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n" + BODY, 200),
}
"""Answers whose status can be read, or None for those that cannot after all."""


def answer_to(sent: bytes) -> Answer:
    with serving(answering_with(sent)) as server:
        gateway = made_gateway(server)
        answer = post(gateway)
        gateway.close()
        assert len(server.requests) == 1
        return answer


@pytest.mark.parametrize("name", BROKEN)
def test_an_unreadable_answer_leaves_the_message_in_doubt(name: str) -> None:
    answer = answer_to(BROKEN[name])
    assert (answer.status, answer.never_sent) == (None, False)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_has_a_status(name: str) -> None:
    sent, status = ODD[name]
    answer = answer_to(sent)
    assert answer.status == status
    assert len(answer.body) <= BODY_LIMIT


def test_an_answer_that_repeats_the_longest_text_is_read_whole() -> None:
    created = json.dumps({"account_sid": "AC", "body": "Д" * MAX_CHARACTERS, "sid": "SM1", "status": "queued"})
    head = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(created)
    answer = answer_to(head + created.encode())
    assert Twilio(Options("https://api.twilio.com")).outcome(answer, NOW).sent


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 ", OK, CHUNKED, OK + b"Content-Encoding: gzip\r\n\r\n"])
)
@settings(max_examples=depth(full=60, quick=20))
def test_any_bytes_become_an_answer(random: bytes, begin: bytes) -> None:
    assert not answer_to(begin + random).never_sent


@pytest.mark.parametrize("begin", [OK + b"\r\n", b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", CHUNKED + b"-1\r\n"])
def test_a_body_of_gigabytes_takes_little_memory(begin: bytes) -> None:
    piece = b" " * 1_000_000
    with serving(lambda connection: (connection.sendall(begin), server.drip(connection, piece, 0))[1]) as server:
        gateway = made_gateway(server)
        tracemalloc.start()
        post(gateway)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gateway.close()
    assert peak < 10 * ANSWER_LIMIT


def test_a_cookie_of_the_gateway_is_not_kept() -> None:
    sent = CONTRACT.replace(b"\r\nContent", b"\r\nSet-Cookie: a=b; Path=/\r\nContent")
    with serving(lambda connection: connection.sendall(sent)) as server:
        gateway = made_gateway(server)
        assert [post(gateway).status for _ in range(2)] == [200, 200]
        gateway.close()
        assert not any(b"cookie" in request.lower() for request in server.requests)


def test_no_text_of_the_gateway_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        answer_to(OK + b"phone 79770000001\r\n\r\n" + BODY)
    assert "79770000001" not in caplog.text
