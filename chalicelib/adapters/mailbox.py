"""Email by SES. On the local stack, also a list of the sent emails."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError

from ..domain.email import Email, SentEmail
from ..errors import NotSent
from . import aws

READ_SECONDS = 30.0
IN_DOUBT = (HTTPClientError, SSLError)
"""Errors after a connection was made. Botocore's errors without a connection have other base classes."""


class Mailbox:
    """`keeps_emails`: the emulator of the local stack, MiniStack or LocalStack, keeps the sent emails."""

    def __init__(self, keeps_emails: bool = False) -> None:
        self._keeps_emails = keeps_emails

    def send(self, email: Email) -> None:
        """Raises NotSent if the email can be sent again. After any other error, SES may have sent it."""
        try:
            aws.client("ses", attempts=1, read_seconds=READ_SECONDS).send_raw_email(
                Source=email.sender,
                Destinations=list(email.recipients),
                RawMessage={"Data": as_mime(email)},
            )
        except (ClientError, BotoCoreError) as error:
            if _is_unsent(error):
                raise NotSent(str(error)) from error
            raise

    def emails(self) -> list[SentEmail]:
        """Sent emails of the local stack, the newest first. Empty on AWS, where sent emails are not kept."""
        if not self._keeps_emails:
            return []
        endpoint = aws.client("ses", attempts=1, read_seconds=READ_SECONDS).meta.endpoint_url
        return sorted(_emails_at(endpoint), key=lambda email: email.sent_at, reverse=True)


def as_mime(email: Email) -> bytes:
    """The email as MIME. SES adds the date and the message id."""
    message = EmailMessage(policy=SMTP)
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message["Subject"] = email.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses "out of office" answers
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    for attachment in email.attachments:
        maintype, _, subtype = attachment.kind.partition("/")
        message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=attachment.name)
    return message.as_bytes()


def _is_unsent(error: ClientError | BotoCoreError) -> bool:
    """True if SES refused the email, or the request failed before a connection was made."""
    if isinstance(error, ClientError):
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) < 500
    return not isinstance(error, IN_DOUBT)


def _emails_at(endpoint: str) -> list[SentEmail]:
    try:
        accounts = _read_json(f"{endpoint}/_ministack/ses/messages")["messages"].values()
    except HTTPError as error:
        if error.code != 404:
            raise
        return [_from_localstack(sent) for sent in _read_json(f"{endpoint}/_aws/ses")["messages"] if "RawData" in sent]
    return [_from_ministack(sent) for account in accounts for sent in account]


def _read_json(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=5) as answer:  # noqa: S310
        content: dict[str, Any] = json.load(answer)
        return content


def _from_localstack(sent: dict[str, Any]) -> SentEmail:
    """LocalStack keeps the raw email (docs.localstack.cloud, SES)."""
    message = message_from_string(sent["RawData"], policy=SMTP)
    text, html = (message.get_body([kind]) for kind in ("plain", "html"))
    return SentEmail(
        sent_at=datetime.fromisoformat(sent["Timestamp"]).replace(tzinfo=UTC),
        sender=sent["Source"],
        recipients=tuple(address.strip() for address in str(message["To"]).split(",")),
        subject=str(message["Subject"]),
        html=html.get_content() if html else "",
        text=text.get_content() if text else "",
    )


def _from_ministack(sent: dict[str, Any]) -> SentEmail:
    """MiniStack keeps the parsed email."""
    return SentEmail(
        sent_at=datetime.fromtimestamp(sent["Timestamp"], UTC),
        sender=sent["Source"],
        recipients=tuple(sent["To"]),
        subject=sent["Subject"],
        html=sent["BodyHtml"] or "",
        text=sent["BodyText"],
    )
