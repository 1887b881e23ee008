from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.backoff import MAX_SECONDS, retry_delay
from chalicelib.gateways.answer import Answer
from tests.depth import depth

from .contract_gateway import read_answer

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
    found = SENT if outcome.sent else OURS if outcome.is_of_account else RETRY if outcome.retryable else FAILED
    assert found == meaning
    assert (outcome.reason is None) == (meaning == SENT)
    assert outcome.retryable == (meaning in (RETRY, OURS))


def test_the_reason_contains_no_text_of_the_gateway() -> None:
    for status in (200, 400, 401, 429, 500):
        assert "79770000001" not in str(read_answer(Answer(status, "79770000001"), NOW).reason)


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
        ("9" * 100, 999_999_999),
        ("9" * 101, None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        ("Mon, 23 Nov 2026 12:01:30 +2400", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251_606_951_939),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Mon, 99999999999999999999 Nov 2026 12:01:30 GMT", None),
        ("9" * 9_000 + " Nov 2026 12:01:30 GMT", None),
        ("\u00b2", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert read_answer(Answer(429, "", header), NOW).retry_after == seconds


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (7, "7"),
        (-1, "-1"),
        (100_001, "100001"),
        ("7", "7"),
        ("INVALID_PHONE", "INVALID_PHONE"),
        ("E.17-b", "E.17-b"),
        (79_770_000_001, "(not shown)"),
        ("79770000001", "(not shown)"),
        ("7-977-000-00-01", "(not shown)"),
        ("no such number", "(not shown)"),
        ("Анна", "(not shown)"),
        ("a" * 65, "(not shown)"),
        ("7\n", "(not shown)"),
        (10**400, "(not shown)"),
    ],
)
def test_the_reason_names_another_code_if_it_can_hold_no_phone_number(code: int | str, shown: str) -> None:
    answer = Answer(200, json.dumps({"code": code, "message": "79770000001"}))
    tried_again, refused = read_answer(answer, NOW), read_answer(answer, NOW, refuses_by_code=True)
    assert str(tried_again.reason) == f"The gateway answered 200 with code {shown}."
    assert str(refused.reason) == f"The gateway refused the message (200, code {shown})."


@pytest.mark.parametrize(
    ("body", "is_code"),
    [
        ('{"code": 7}', True),
        ('{"code": "7"}', True),
        ('{"code": -1, "message": null}', True),
        ('{"code": 0, "message": "OK"}', False),
        ('{"code": 0.0}', False),
        ('{"code": "0"}', False),
        ('{"code": "00.0"}', False),
        ('{"code": ""}', False),
        ('{"code": false}', False),
        ('{"code": true}', False),
        ('{"code": null}', False),
        ('{"code": 7.5}', False),
        ('{"code": NaN}', False),
        ('{"code": [7]}', False),
        ('{"message": "OK"}', False),
        ('[{"code": 7}]', False),
        ('{"code": 7', False),
        ("", False),
    ],
)
def test_a_code_is_final_only_with_the_setting_and_only_if_it_can_be_read(body: str, is_code: bool) -> None:
    by_default = read_answer(Answer(200, body), NOW)
    assert by_default.sent or (by_default.retryable and by_default.in_doubt)
    refused = read_answer(Answer(200, body), NOW, refuses_by_code=True)
    assert (not refused.sent and not refused.retryable and not refused.in_doubt) == is_code
    assert refused.sent == by_default.sent
    if not is_code:
        assert refused == by_default


def test_a_code_is_final_with_200_only() -> None:
    for status in (201, 202, 302, 401, 429, 500, 502):
        answer = Answer(status, '{"code": 7}')
        assert read_answer(answer, NOW, refuses_by_code=True) == read_answer(answer, NOW)


PIECES = [
    "Mon, ",
    "23 ",
    "Nov ",
    "2026 ",
    "99",
    "12:01:30 ",
    ":",
    "GMT",
    "+",
    "-",
    "0",
    "2400",
    "(",
    ")",
    '"',
    "\\",
    " ",
    ",",
]
HEADERS = st.none() | st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
CODES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50) | st.lists(st.integers(), max_size=2)
)
BODIES = (
    st.text(max_size=60)
    | st.builds(lambda code: json.dumps({"code": code}), CODES)
    | st.sampled_from(["9" * 5_000, '{"code": ' + "9" * 5_000 + "}", '{"code": NaN}', '{"code": -1e999}', "[" * 5_000])
)


@given(st.builds(Answer, st.none() | st.integers(-1, 1000), BODIES, HEADERS, st.booleans()), st.booleans())
@settings(max_examples=depth(full=500, quick=100))
def test_any_answer_has_an_outcome(answer: Answer, refuses_by_code: bool) -> None:
    outcome = read_answer(answer, NOW, refuses_by_code)
    assert outcome.sent == (outcome.reason is None)
    assert not (outcome.sent and outcome.retryable)
    assert 1 <= retry_delay(1, 0.5, outcome.retry_after) <= MAX_SECONDS


@given(st.integers(1, 10**6), st.floats(0, 1), st.none() | st.floats(0, 10**9))
def test_a_delay_is_between_1_and_900_seconds(attempts: int, jitter: float, retry_after: float | None) -> None:
    delay = retry_delay(attempts, jitter, retry_after)
    assert 1 <= delay <= MAX_SECONDS
    assert delay >= min(MAX_SECONDS, retry_after or 0) - 0.5


def test_the_longest_delay_doubles_and_jitter_shortens_it() -> None:
    assert [retry_delay(count, 1.0) for count in range(1, 12)] == [4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert retry_delay(5, 0.5) == 32
    assert retry_delay(5, 0.0) == 1


@pytest.mark.parametrize(
    ("answer", "in_doubt"),
    [
        (Answer(None, "ReadTimeout"), True),
        (Answer(None, "ConnectTimeout", never_sent=True), False),
        (Answer(200, "<html>busy</html>"), True),
        (Answer(502), True),
        (Answer(504), True),
        (Answer(500), False),
        (Answer(503), False),
        (Answer(429), False),
        (Answer(401), False),
        (Answer(200, '{"code": 0}'), False),
    ],
)
def test_an_outcome_is_in_doubt_if_the_gateway_may_have_accepted_the_message(answer: Answer, in_doubt: bool) -> None:
    assert read_answer(answer, NOW).in_doubt == in_doubt
