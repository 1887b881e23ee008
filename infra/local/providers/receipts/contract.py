"""The delivery receipts of the contract: docs/RECEIPTS.md, "The format"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from chalicelib.gateways.callback import path_secret
from chalicelib.gateways.receipts.port import Call, Keys

from .reporting import Report, Reporting, always

MOST = 100
REASON = "absent subscriber"


def reported(reports: Sequence[Report], keys: Keys) -> Call:
    """The address of the account ends with its key, which the contract has in a header instead."""
    headers = {"authorization": f"Bearer {path_secret(keys.stored)}", "content-type": "application/json"}
    body = json.dumps([_receipt(report) for report in reports]).encode()
    return Call("POST", reports[0].address, (), headers, body)


def _receipt(report: Report) -> dict[str, object]:
    receipt = {"id": report.message_id, "status": report.status, "at": datetime.now(UTC).isoformat()}
    return receipt if report.is_delivered else {**receipt, "reason": REASON}


REPORTING = Reporting(reported, MOST, is_signed=always, forged_address=None)
