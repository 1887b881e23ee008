"""Letters by SES; on the local stack also those that were sent, for somebody to look at."""

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
"""There was a connection. Those that say that there was none are other branches of botocore's errors."""


class Mailbox:
    """`keeps_letters`: this is the local stack, whose emulator keeps what SES sends: MiniStack or LocalStack."""

    def __init__(self, keeps_emails: bool = False) -> None:
        self._keeps_emails = keeps_emails

    def send(self, email: Email) -> None:
        """NotSent: it may be sent again. After any other error it may have left, for the answer alone may be lost."""
        try:
            aws.client("ses", attempts=1, read_seconds=READ_SECONDS).send_raw_email(
                Source=email.sender,
                Destinations=list(email.recipients),
                RawMessage={"Data": as_mime(email)},
            )
        except (ClientError, BotoCoreError) as error:
            if _is_certain(error):
                raise NotSent(str(error)) from error
            raise

    def emails(self) -> list[SentEmail]:
        """Those that were sent on the local stack, the newest first; elsewhere nobody keeps them."""
        if not self._keeps_emails:
            return []
        endpoint = aws.client("ses", attempts=1, read_seconds=READ_SECONDS).meta.endpoint_url
        return sorted(_emails_at(endpoint), key=lambda email: email.sent_at, reverse=True)


def as_mime(email: Email) -> bytes:
    """SES adds the date and an id."""
    message = EmailMessage(policy=SMTP)
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message["Subject"] = email.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's "out of office" need answer
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    for attachment in email.attachments:
        maintype, _, subtype = attachment.kind.partition("/")
        message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=attachment.name)
    return message.as_bytes()


def _is_certain(error: ClientError | BotoCoreError) -> bool:
    """Refused by SES, or failed before there was a connection."""
    if isinstance(error, ClientError):
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) < 500
    return not isinstance(error, IN_DOUBT)


def _emails_at(endpoint: str) -> list[SentEmail]:
    try:
        accounts = _read_json(f"{endpoint}/_ministack/ses/messages")["messages"].values()
    except HTTPError as error:
        if error.code != 404:
            raise
        return [_parsed(sent) for sent in _read_json(f"{endpoint}/_aws/ses")["messages"] if "RawData" in sent]
    return [_kept(sent) for account in accounts for sent in account]


def _read_json(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=5) as answer:  # noqa: S310
        read: dict[str, Any] = json.load(answer)
        return read


def _parsed(sent: dict[str, Any]) -> SentEmail:
    """LocalStack keeps a letter as it was sent (docs.localstack.cloud, SES)."""
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


def _kept(sent: dict[str, Any]) -> SentEmail:
    """As MiniStack keeps it."""
    return SentEmail(
        sent_at=datetime.fromtimestamp(sent["Timestamp"], UTC),
        sender=sent["Source"],
        recipients=tuple(sent["To"]),
        subject=sent["Subject"],
        html=sent["BodyHtml"] or "",
        text=sent["BodyText"],
    )
