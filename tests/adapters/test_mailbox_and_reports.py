"""Emails through SES, and the rows that keep a report from being sent twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from chalicelib.adapters import aws
from chalicelib.adapters.mailbox import Mailbox, _is_unsent, as_mime
from chalicelib.domain.email import Attachment, Email
from chalicelib.errors import NotSent, RowChanged
from infra.local.doubles.aws import forget_connections
from infra.local.doubles.fakes import FakeServices

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLE = Attachment("mailings.csv", "text/csv", b"\xef\xbb\xbfid;text\r\n1;=1\r\n")
EMAIL = Email(
    sender="reports@example.com",
    recipients=("anna@example.com", "oleg@example.com"),
    subject=f"Рассылки: отправлено 12\u00a0000, {'очень ' * 20}много",
    html="<p>" + "Привет " * 300 + "</p>",
    text="Привет " * 300,
    attachments=(TABLE,),
)


def verify(services: Any, address: str) -> None:
    if isinstance(services, FakeServices):
        services.mailbox.verify(address)
    else:
        aws.client("ses").verify_email_identity(EmailAddress=address)


def parsed(email: Email) -> EmailMessage:
    return message_from_bytes(as_mime(email), _class=EmailMessage, policy=policy.default)


def test_an_email_from_a_verified_sender_is_sent(services: Any) -> None:
    verify(services, EMAIL.sender)
    services.mailbox.send(EMAIL)


def test_an_email_from_an_unverified_sender_is_reported_as_not_sent(services: Any) -> None:
    verify(services, EMAIL.sender)
    with pytest.raises(NotSent):
        services.mailbox.send(replace(EMAIL, sender="other@example.org"))


def test_a_report_is_claimed_once_until_it_is_released(services: Any) -> None:
    until = NOW + timedelta(days=1)
    assert not services.reports.is_claimed("2026-11-23")
    services.reports.claim("2026-11-23", NOW, until)
    services.reports.claim("2026-11-24", NOW, until)
    with pytest.raises(RowChanged):
        services.reports.claim("2026-11-23", NOW, until)
    services.reports.unclaim("2026-11-23")
    assert not services.reports.is_claimed("2026-11-23")
    services.reports.claim("2026-11-23", NOW, until)


def test_a_claimed_report_is_not_yet_sent(services: Any) -> None:
    services.reports.claim("2026-11-23", NOW, NOW + timedelta(days=1))
    assert services.reports.is_claimed("2026-11-23")
    assert not services.reports.is_sent("2026-11-23")
    services.reports.mark_sent("2026-11-23", NOW)
    assert services.reports.is_sent("2026-11-23")


def test_html_and_text_are_alternatives_and_the_table_is_attached() -> None:
    message = parsed(EMAIL)
    assert (message["From"], message["To"]) == (EMAIL.sender, ", ".join(EMAIL.recipients))
    assert message["Subject"] == EMAIL.subject
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert html.get_content().strip() == EMAIL.html.strip()
    assert text.get_content().strip() == EMAIL.text.strip()
    (table,) = message.iter_attachments()
    assert (table.get_content_type(), table.get_filename()) == ("text/csv", "mailings.csv")
    assert table.get_payload(decode=True) == TABLE.content


def test_no_line_is_longer_than_an_email_allows() -> None:
    """RFC 5322, 2.1.1: 998 characters; SES refuses or breaks longer ones."""
    assert max(len(line) for line in as_mime(EMAIL).split(b"\r\n")) < 998
    plain = replace(EMAIL, html="<p>" + "a" * 5000 + "</p>", text="a" * 5000)
    assert max(len(line) for line in as_mime(plain).split(b"\r\n")) < 998


@pytest.mark.parametrize(
    ("error", "is_unsent"),
    [
        (ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "SendRawEmail"), True),
        (ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "SendRawEmail"), False),
        (EndpointConnectionError(endpoint_url="https://ses"), True),
        (ConnectTimeoutError(endpoint_url="https://ses"), True),
        (ReadTimeoutError(endpoint_url="https://ses"), False),
    ],
)
def test_an_email_that_may_have_been_sent_is_not_reported_as_unsent(error: Any, is_unsent: bool) -> None:
    assert _is_unsent(error) == is_unsent


@pytest.fixture
def ses() -> Iterator[Any]:
    with mock_aws():
        forget_connections()
        yield aws.client("ses", attempts=1, read_seconds=30.0)
    forget_connections()


def test_an_email_is_passed_to_ses_once_even_without_an_answer(ses: Any) -> None:
    """botocore repeats calls that were not answered. This call must not be repeated."""
    tries = []

    def silence(**_: Any) -> None:
        tries.append(1)
        raise ReadTimeoutError(endpoint_url="https://ses")

    ses.meta.events.register_first("before-send.ses.SendRawEmail", silence)
    with pytest.raises(ReadTimeoutError):
        Mailbox().send(EMAIL)
    assert len(tries) == 1


def test_only_the_local_stack_stores_emails() -> None:
    assert Mailbox(keeps_emails=False).emails() == []


class LocalStackInbox(BaseHTTPRequestHandler):
    """Answers as LocalStack does: it does not know MiniStack's address, and stores emails as they were sent."""

    def do_GET(self) -> None:
        raw = {"RawData": as_mime(EMAIL).decode(), "Source": EMAIL.sender, "Timestamp": "2026-11-23T12:00:00"}
        kept = {"/_aws/ses": {"messages": [{"Id": "1", "Subject": "not raw"}, {"Id": "2", **raw}]}}
        self.send_response(200 if self.path in kept else 404)
        self.end_headers()
        self.wfile.write(json.dumps(kept.get(self.path, {})).encode())

    def log_message(self, *_: object) -> None: ...


def test_emails_stored_by_localstack_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), LocalStackInbox) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        forget_connections()
        (email,) = Mailbox(keeps_emails=True).emails()
        server.shutdown()
    forget_connections()
    assert (email.sender, email.recipients, email.sent_at) == (EMAIL.sender, EMAIL.recipients, NOW)
    assert (email.subject, email.html.strip()) == (EMAIL.subject, EMAIL.html)
    assert email.text.strip() == EMAIL.text.strip()
