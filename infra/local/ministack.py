"""MiniStack with an IAM that decides as AWS's does, and that remembers what it was asked, and with quick starts.

MiniStack 1.5 names some calls to IAM otherwise than AWS: put right here, so that the roles of the real template are
enforced as they stand. Started by stack.py as a program of its own, with AUTH=true.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import scheduler

TRAIL = "IAM_TRAIL"
"""The environment variable with the file of decisions: JSON lines of who, action, resource, allowed; each once."""

SCHEDULER_SECONDS = 1
"""Between two looks at the schedules: a mailing starts within a second of its time. MiniStack looks every 10 s."""

name_action = iam_actions.extract_iam_action
name_resource = iam_actions.extract_resource_arn
name_context = iam_actions.request_tag_context
decide = iam_evaluator.enforce


def action_as_on_aws(service: str, *request: Any) -> str | None:
    """A batch has no action of its own: sqs:SendMessage is what SendMessageBatch asks for."""
    action = name_action(service, *request)
    return action.removesuffix("Batch") if service == "sqs" and action else action


def resource_as_on_aws(
    service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
) -> str:
    """A schedule is named with its group, and a letter belongs to the identity that it comes from."""
    resource = name_resource(service, method, path, headers, body, query, region, account)
    if service == "scheduler" and ":schedule/default/" in resource:
        group = json.loads(body or b"{}").get("GroupName") or _first(query, "groupName") or "default"
        return resource.replace(":schedule/default/", f":schedule/{group}/")
    if service == "ses" and (sender := _sender(body)):
        return f"arn:aws:ses:{region}:{account}:identity/{sender}"
    return resource


def context_as_on_aws(service: str, action: str, body: bytes, query: Any) -> dict[str, Any]:
    """What conditions may ask about a letter."""
    context: dict[str, Any] = name_context(service, action, body, query)
    sender = _sender(body) if service == "ses" else ""
    return {**context, "ses:FromAddress": sender} if sender else context


def remembered(decide: Callable[..., Any], trail: Path) -> Callable[..., Any]:
    """The decision as it was, and a line in the trail when there was none like it."""
    known: set[str] = set()

    def decided(access_key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any) -> Any:
        refusal = decide(access_key, action, service, region, resource_arn=resource_arn, **more)
        caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", "")
        decision = {"who": caller, "action": action, "resource": resource_arn, "allowed": refusal is None}
        line = json.dumps(decision)
        if line not in known:
            known.add(line)
            with trail.open("a") as file:
                file.write(line + "\n")
        return refusal

    return decided


class SharedCode(zipfile.ZipFile):
    """A package of Lambda code that is unpacked once: each worker gets links to its folders and files.

    Unpacked for each worker, as MiniStack does it, the package takes a second of the processor and 21 MB every time.
    """

    _unpacking = Lock()

    def extractall(self, path: Any = None, *options: Any) -> None:
        place = (
            Path(tempfile.gettempdir()) / f"code-{hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()}"
        )
        with self._unpacking:
            if not place.exists():
                unfinished = place.with_suffix(".unfinished")
                super().extractall(unfinished, *options)
                unfinished.rename(place)
        for entry in place.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


def _sender(body: bytes) -> str:
    return _first(parse_qs(body.decode("utf-8", "replace")), "Source")


def _first(values: Any, name: str) -> str:
    value = values.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def main() -> None:
    iam_actions.extract_iam_action = action_as_on_aws
    iam_actions.extract_resource_arn = resource_as_on_aws
    iam_actions.request_tag_context = context_as_on_aws
    scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULER_SECONDS
    lambda_runtime.zipfile = SimpleNamespace(ZipFile=SharedCode, BadZipFile=zipfile.BadZipFile)
    if os.environ.get(TRAIL):
        iam_evaluator.enforce = remembered(decide, Path(os.environ[TRAIL]))
    app.main()


if __name__ == "__main__":
    main()
