"""Before a deploy a person reads what SES and EventBridge Scheduler allow; nothing of it stops the deploy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.quotas import email_notes, schedule_notes

REPORT = {"ReportRecipients": "anna@example.com, oleg@mail.example.org", "ReportSender": "reports@example.com"}
REFUSAL = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "Some")


class Account:
    """Source: Amazon SES API v2, GetAccount."""

    def __init__(self, production: bool) -> None:
        self.production = production

    def get_account(self) -> dict[str, Any]:
        return {"ProductionAccessEnabled": self.production}


class Identities:
    """Knows the identities of one account. Source: Amazon SES API, GetIdentityVerificationAttributes."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = {name.replace("_at_", "@").replace("_", "."): status for name, status in statuses.items()}

    def get_identity_verification_attributes(self, Identities: list[str]) -> dict[str, Any]:  # noqa: N803
        found = {name: {"VerificationStatus": self.statuses[name]} for name in Identities if name in self.statuses}
        return {"VerificationAttributes": found}


class Quotas:
    """Source: Service Quotas API Reference, ListServiceQuotas."""

    def __init__(self, *pages: list[tuple[str, float]]) -> None:
        self.pages = pages

    def get_paginator(self, operation: str) -> Quotas:
        assert operation == "list_service_quotas"
        return self

    def paginate(self, ServiceCode: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert ServiceCode == "scheduler"
        for page in self.pages:
            yield {"Quotas": [{"QuotaName": name, "Value": value} for name, value in page]}


class Refusing:
    """A service that the caller has no rights to."""

    def __getattr__(self, _: str) -> Any:
        raise REFUSAL


def test_without_a_report_ses_is_not_asked() -> None:
    assert email_notes(Refusing(), Refusing(), {"ReportSender": "reports@example.com"}) == []


def test_in_production_only_the_sender_must_be_verified() -> None:
    assert email_notes(Account(True), Identities(example_com="Success"), REPORT) == []
    (note,) = email_notes(Account(True), Identities(example_com="Pending"), REPORT)
    assert "not verified in SES: reports@example.com." in note


def test_in_the_sandbox_every_recipient_must_be_verified_itself_or_by_a_domain_above_it() -> None:
    identities = Identities(reports_at_example_com="Success", example_org="Success")
    sandbox, unverified = email_notes(Account(False), identities, REPORT)
    assert "sandbox" in sandbox
    assert "not verified in SES: anna@example.com." in unverified
    (sandbox,) = email_notes(Account(False), Identities(example_com="Success", example_org="Success"), REPORT)
    assert "at most 200 emails a day" in sandbox


def test_the_number_of_schedules_is_said() -> None:
    quotas = Quotas([("CreateSchedule request rate", 5000.0)], [("Number of schedules", 10_000_000.0)])
    (note,) = schedule_notes(quotas)
    assert "keeps 10,000,000 schedules" in note
    _, warning = schedule_notes(Quotas([("Number of schedules", 500.0)]))
    assert "start up to a minute late, by the sweep" in warning


def test_what_cannot_be_read_is_said() -> None:
    assert "not authorized" in email_notes(Refusing(), Refusing(), REPORT)[0]
    assert "not authorized" in schedule_notes(Refusing())[0]
    assert schedule_notes(Quotas([])) == [
        "Service Quotas has no quota of EventBridge Scheduler with the name Number of schedules"
    ]
