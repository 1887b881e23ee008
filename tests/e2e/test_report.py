"""The daily report through the real stack, read in the local mailbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.adapters import aws
from chalicelib.adapters.mailbox import Mailbox
from chalicelib.domain.email import SentEmail
from chalicelib.reports.daily import SCHEDULED_TIME
from infra.local.deployment import REPORT_RECIPIENTS, REPORT_SENDER, STACK_NAME
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call

PHONE = "79560000001"
TEXT = "Привет <b>всем</b>"
DAY, ANOTHER_DAY = "2022-02-01", "2022-02-02"
"""No other test and no command of the documents asks for the reports of these."""

Invoke = Callable[[object], dict[str, Any]]


@pytest.fixture
def emails(stack: DevStack) -> Callable[[], list[SentEmail]]:
    aws.reset_clients()
    return Mailbox(keeps_emails=True).emails


@pytest.fixture
def invoke(stack: DevStack) -> Invoke:
    """Invokes as `aws lambda invoke` and the schedule do, through the target of the schedule."""
    target = schedule()["Target"]

    def invoke(payload: object) -> dict[str, Any]:
        answer = boto3.client("lambda").invoke(FunctionName=target["Arn"], Payload=json.dumps(payload))
        assert "FunctionError" not in answer
        read: dict[str, Any] = json.loads(answer["Payload"].read())
        return read

    return invoke


def schedule() -> dict[str, Any]:
    found: dict[str, Any] = boto3.client("scheduler").get_schedule(Name=f"{STACK_NAME}-report")
    return found


def announce(call: Call, starts_in: float) -> int:
    start = datetime.now(UTC) + timedelta(seconds=starts_in)
    end = start + timedelta(hours=1)
    fields = {"datetime_start": start.isoformat(), "datetime_end": end.isoformat(), "message_text": TEXT}
    mailing_id: int = call("POST", "/Mailing/", json={**fields, "filter_tag": "report"}).json()["id"]
    return mailing_id


def next_report() -> str:
    """The day of the report that covers the current moment. The local report is sent at 09:00 UTC."""
    return (datetime.now(UTC) + timedelta(hours=15)).date().isoformat()


def of_day(day: str, emails: list[SentEmail]) -> list[SentEmail]:
    """The local schedule fires too: if the tests run over 09:00 UTC, its email is in the mailbox as well."""
    return [email for email in emails if f"report of {day}:" in email.subject]


def as_aws_fills_it_in(target_input: str, moment: str) -> dict[str, str]:
    """MiniStack does not replace the placeholder of the time."""
    filled_in: dict[str, str] = json.loads(target_input.replace(SCHEDULED_TIME, moment))
    return filled_in


def test_the_email_of_a_day_is_in_the_mailbox(
    call: Call, simulator: Simulator, finished: Callable[[int], Any], invoke: Invoke, emails: Any
) -> None:
    simulator.behave(refuse=(int(PHONE),))
    for phone in (PHONE, "79560000002"):
        assert call("POST", "/Clients/", json={"phone_number": phone, "tag": "report"}).status_code == 201
    sent, planned = announce(call, -60), announce(call, 1800)
    finished(sent)
    answer = invoke({"date": next_report()})
    assert answer["sent"], answer
    email = of_day(answer["date"], emails())[0]
    assert (email.sender, email.recipients) == (REPORT_SENDER, (REPORT_RECIPIENTS,))
    assert email.subject.startswith(f"Mailings, report of {answer['date']}: sent ")
    assert f"#{sent} Finished" in email.text
    assert "The gateway refused the message (400)." in email.text
    assert f"#{planned} Scheduled" in email.text.partition("Planned until")[2]
    assert "Привет &lt;b&gt;всем&lt;/b&gt;" in email.html
    assert PHONE not in email.html + email.text
    assert call("DELETE", f"/Mailing/{planned}/").status_code == 204


def test_the_report_of_the_schedule_is_sent_once(invoke: Invoke, emails: Any) -> None:
    assert schedule()["ScheduleExpression"] == "cron(00 09 * * ? *)"
    payload = as_aws_fills_it_in(schedule()["Target"]["Input"], f"{DAY}T09:00:00Z")
    assert invoke(payload)["sent"]
    assert len(of_day(DAY, emails())) == 1
    assert invoke(payload) == {"sent": False, "detail": "This report was sent before."}
    assert len(of_day(DAY, emails())) == 1


def test_a_person_can_send_any_day_and_an_invalid_day_is_refused(invoke: Invoke, emails: Any) -> None:
    assert invoke({"date": "2026-02-30"}).keys() == {"date"}
    assert invoke({"day": "2026-11-01"}).keys() == {"date", "day"}
    assert of_day("2026-02-30", emails()) == of_day("2026-11-01", emails()) == []
    assert invoke({"date": ANOTHER_DAY})["sent"]
    assert invoke({"date": ANOTHER_DAY})["sent"]
    assert len(of_day(ANOTHER_DAY, emails())) == 2
