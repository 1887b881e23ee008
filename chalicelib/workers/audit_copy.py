"""Invoked every five minutes, or by a person with `{}`: copy new audit records into a bucket with Object Lock.

Only a stack with the parameter AuditBucket has this function.
"""

from __future__ import annotations

from chalice.app import Blueprint, LambdaFunctionEvent, Rate

from ..access import audit_copy
from ..logs import log
from ..runtime import begin_invocation, logging_errors, seconds_left

worker = Blueprint(__name__)


@worker.schedule(Rate(5, unit=Rate.MINUTES), name="copy_audit")
@logging_errors
def copy_audit(event: LambdaFunctionEvent) -> dict[str, int]:
    """A person sends `{}`."""
    copied = audit_copy.copy_audit(begin_invocation(event.context), seconds_left(event.context))
    log.info("audit copied", extra={"records": copied})
    return {"copied": copied}


# CloudWatchEvent requires fields that are not read here. Without it a person can send an empty event.
copy_audit.event_class = LambdaFunctionEvent
