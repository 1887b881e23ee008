"""What SES and EventBridge Scheduler allow in this account, read before a deploy. Nothing here stops a deploy.

Sources: https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

SCHEDULES = "Number of schedules"
"""The name of the quota in Service Quotas."""

FEW_SCHEDULES = 10_000
VERIFIED = "Success"


def email_notes(account: Any, identities: Any, values: Mapping[str, str]) -> list[str]:
    """Whether the daily report can be sent. `account`: a client of SES v2, `identities`: of SES.

    `values`: the parameters of the deploy. Nothing is said, and nothing asked, without recipients.
    """
    recipients = [one.strip() for one in values.get("ReportRecipients", "").split(",") if one.strip()]
    if not recipients:
        return []
    try:
        in_sandbox = not account.get_account().get("ProductionAccessEnabled", False)
        checked = [values.get("ReportSender", ""), *(recipients if in_sandbox else [])]
        unverified = [address for address in checked if not _is_verified(identities, address)]
    except (BotoCoreError, ClientError) as error:
        return [f"SES could not be asked about this account: {error}"]
    return list(_email_notes(in_sandbox, unverified))


def schedule_notes(quotas: Any) -> list[str]:
    """The number of schedules that the account may have. `quotas`: a client of Service Quotas."""
    try:
        pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="scheduler")
        values = [int(one["Value"]) for page in pages for one in page["Quotas"] if one["QuotaName"] == SCHEDULES]
    except (BotoCoreError, ClientError) as error:
        return [f"the quotas of EventBridge Scheduler could not be read: {error}"]
    if not values:
        return [f"Service Quotas has no quota of EventBridge Scheduler with the name {SCHEDULES}"]
    notes = [f"EventBridge Scheduler keeps {values[0]:,} schedules in this account; a planned mailing takes one"]
    if values[0] < FEW_SCHEDULES:
        notes.append("WARNING: that is few. Mailings beyond it start up to a minute late, by the sweep")
    return notes


def _email_notes(in_sandbox: bool, unverified: list[str]) -> Iterator[str]:
    if in_sandbox:
        yield (
            "SES is in its sandbox in this account: it sends to verified addresses only, at most 200 emails a day. Ask "
            "AWS for production access in the console of SES"
        )
    if unverified:
        yield (
            f"WARNING: not verified in SES: {', '.join(unverified)}. The daily report is refused until they, or their "
            "domains, are verified"
        )


def _is_verified(identities: Any, address: str) -> bool:
    """An address is verified itself or by its domain, or a domain above it."""
    domain = address.rpartition("@")[2]
    labels = domain.split(".")
    names = [address, *(".".join(labels[start:]) for start in range(len(labels) - 1))]
    found = identities.get_identity_verification_attributes(Identities=names)["VerificationAttributes"]
    return any(one["VerificationStatus"] == VERIFIED for one in found.values())
