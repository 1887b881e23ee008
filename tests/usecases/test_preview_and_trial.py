"""What an operator can know before a mailing is announced."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.clients import register_client
from chalicelib.domain.audience import Filter
from chalicelib.domain.gateway_result import Answer
from chalicelib.domain.record import Author
from chalicelib.preview import PATIENCE, count_audience, preview_mailing
from chalicelib.trial import send_trial
from tests.fakes import FakeOutside


def author(outside: FakeOutside) -> Author:
    return Author("anna", outside.clock.now(), 0.5)


def test_parts_are_counted_for_everybody_together() -> None:
    outside = FakeOutside()
    for number in range(3):
        register_client(outside, {"phone_number": f"7977000000{number}"})
    preview = preview_mailing(outside, Filter(), "я" * 71)
    assert (preview.clients, preview.parts) == (3, 6)
    assert preview_mailing(outside, Filter(), "").parts == 0


def test_an_audience_that_takes_long_to_count_is_given_as_at_least() -> None:
    outside = FakeOutside()
    outside.counters.ids["client_id"] = 5_000

    def slow(*_: object) -> int:
        outside.clock.time += PATIENCE / 2 + timedelta(milliseconds=1)
        return 1

    outside.clients.count = slow  # type: ignore[method-assign]
    assert count_audience(outside, Filter()) == (2, False)


def test_a_trial_is_recorded_before_it_is_posted_and_never_repeated() -> None:
    outside = FakeOutside()
    outside.gateway.usual = Answer(503)
    outcome = send_trial(outside, "79770000001", "hello", author(outside))
    assert not outcome.sent
    assert [(record.what, record.action) for record in outside.audit.records] == [("trial", "tried")]
    assert len(outside.gateway.posts) == 1


def test_a_trials_id_is_never_a_messages_id() -> None:
    outside = FakeOutside()
    for _ in range(2):
        send_trial(outside, "79770000001", "hello", author(outside))
    assert [post.message_id for post in outside.gateway.posts] == [1, 2]
