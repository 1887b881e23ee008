"""Whether the bucket of the copied audit locks its objects, looked up before a deploy. Nothing here stops a deploy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .checks import Account

NOT_LOCKED = "its objects are not locked, so copies of the audit can be deleted"
UNLOCKED = {
    "ObjectLockConfigurationNotFoundError": f"has no Object Lock: {NOT_LOCKED}",
    "NoSuchBucket": "does not exist",
}


def lock_notes(s3: Any, account: Account, values: Mapping[str, str]) -> list[str]:
    """Nothing is said, and nothing asked, without a bucket. `s3`: a client. `values`: the parameters of the deploy."""
    bucket = values.get("AuditBucket", "")
    if not bucket:
        return []
    owner = values.get("AuditBucketOwner") or account.number
    try:
        found = s3.get_object_lock_configuration(Bucket=bucket, ExpectedBucketOwner=owner)["ObjectLockConfiguration"]
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in UNLOCKED:
            return [f"WARNING: the bucket {bucket} {UNLOCKED[code]}"]
        return [f"whether the bucket {bucket} locks its objects could not be read: {error}"]
    retention = found.get("Rule", {}).get("DefaultRetention")
    if not retention:
        return [f"WARNING: the bucket {bucket} has no default retention: {NOT_LOCKED}"]
    unit = "Years" if retention.get("Years") else "Days"
    period = f"{retention[unit]} {unit.lower()}" if retention[unit] > 1 else f"1 {unit.lower().rstrip('s')}"
    return [f"the bucket {bucket} locks each copy of an audit record for {period} ({retention['Mode']})"]
