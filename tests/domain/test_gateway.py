from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.backoff import MAX_SECONDS, retry_delay
from chalicelib.domain.breaker import FAILURES_IN_A_ROW, Breaker
from chalicelib.domain.gateway_result import Answer, read_answer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENT, RETRY, FAILED, OURS = "sent", "retry", "failed", "ours"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Answer(200, '{"code": 0, "message": "OK"}'), SENT),
        (Answer(200, '{"code": 1, "message": "no"}'), RETRY),
        (Answer(200, '{"code": false}'), RETRY),
        (Answer(200, '{"code": "0"}'), RETRY),
        (Answer(200, "[]"), RETRY),
        (Answer(200, "<html>busy</html>"), RETRY),
        (Answer(200, ""), RETRY),
        (Answer(200, "[" * 100_000), RETRY),
        (Answer(201, '{"code": 0, "message": "OK"}'), RETRY),
        (Answer(204), RETRY),
        (Answer(302), RETRY),
        (Answer(400), FAILED),
        (Answer(404), FAILED),
        (Answer(422), FAILED),
        (Answer(401), OURS),
        (Answer(403), OURS),
        (Answer(408), RETRY),
        (Answer(425), RETRY),
        (Answer(429), RETRY),
        (Answer(500), RETRY),
        (Answer(503), RETRY),
        (Answer(None, "ConnectTimeout"), RETRY),
    ],
)
def test_an_answer_has_one_meaning(answer: Answer, meaning: str) -> None:
    outcome = read_answer(answer, NOW)
    found = SENT if outcome.sent else OURS if outcome.our_fault else RETRY if outcome.retryable else FAILED
    assert found == meaning
    assert (outcome.reason is None) == (meaning == SENT)
    assert outcome.retryable == (meaning in (RETRY, OURS))


def test_nothing_that_the_gateway_wrote_gets_into_the_reason() -> None:
    for status in (200, 400, 401, 429, 500):
        assert "79770000001" not in (read_answer(Answer(status, "79770000001"), NOW).reason or "")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Mon, 23 Nov 2026 12:01:30 GMT", 90),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, 999_999_999),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert read_answer(Answer(429, "", header), NOW).retry_after == seconds


@given(st.integers(1, 10**6), st.floats(0, 1), st.none() | st.floats(0, 10**9))
def test_a_delay_is_from_one_second_to_a_quarter_of_an_hour(
    receive_count: int, luck: float, retry_after: float | None
) -> None:
    delay = retry_delay(receive_count, luck, retry_after)
    assert 1 <= delay <= MAX_SECONDS
    assert delay >= min(MAX_SECONDS, retry_after or 0) - 0.5


def test_the_most_that_is_waited_doubles_and_luck_takes_from_it() -> None:
    assert [retry_delay(count, 1.0) for count in range(1, 12)] == [4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert retry_delay(5, 0.5) == 32
    assert retry_delay(5, 0.0) == 1


def test_a_breaker_opens_after_some_failures_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed()
    breaker.succeeded()
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed()
    assert not breaker.is_open
    breaker.failed()
    assert breaker.is_open


def test_an_open_breaker_stays_open_for_its_invocation() -> None:
    breaker = Breaker()
    breaker.failed(for_good=True)
    breaker.succeeded()
    assert breaker.is_open
