"""MiniStack with IAM decisions as on AWS, a log of them, quick starts of schedules and Lambdas, and quick queries.

It refuses requests of web pages. MiniStack itself lets every page read its answers (Access-Control-Allow-Origin: *).

MiniStack 1.5 names some actions and resources differently from AWS. They are corrected here, so that the roles of
the template are enforced unchanged. stack.py starts this program with AUTH=true.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import _dynamodb_keywords as partiql
from ministack.services import dynamodb, eventbridge, scheduler, sqs

from .conditions import FastQueries
from .origins import OwnOrigins

OWN_PORTS = "OWN_PORTS"
"""Environment variable: the ports in the Host of allowed requests, with commas. MiniStack's own port comes first, then
those of the front and of other proxies that forward to MiniStack with the Host that they got."""

TRAIL = "IAM_TRAIL"
"""Environment variable: the file of IAM decisions, JSON lines of who, action, resource, allowed; each written once."""

WHOLE_BATCHES = "WHOLE_BATCHES"
"""Environment variable: 1 or 0, whether a function gets as many queue messages at once as on AWS."""

SCHEDULER_SECONDS = 1
"""Interval at which due schedules fire, so that a mailing starts within a second. MiniStack's own is 10 s."""

LEADING_KEYS = "dynamodb:LeadingKeys"
BATCH_OF_STATEMENTS = "dynamodb:BatchExecuteStatement"
UPDATE = re.compile(r'UPDATE "([^"]+)" ')

name_action = iam_actions.extract_iam_action
name_resource = iam_actions.extract_resource_arn
name_context = iam_actions.request_tag_context
decide = iam_evaluator.enforce


def action_as_on_aws(service: str, *request: Any) -> str | None:
    """Batches have no action of their own: SendMessageBatch requires sqs:SendMessage, and a batch of PartiQL's updates
    requires dynamodb:PartiQLUpdate. Source of the latter: Amazon DynamoDB Developer Guide, "IAM security policies with
    PartiQL".
    """
    action = name_action(service, *request)
    if action == BATCH_OF_STATEMENTS and _updated_table(request[3]):
        return "dynamodb:PartiQLUpdate"
    return action.removesuffix("Batch") if service == "sqs" and action else action


def resource_as_on_aws(
    service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
) -> str:
    """The ARN of a schedule contains its group; an email's resource is the identity of its sender, and that of a batch
    of updates is their table.
    """
    resource = name_resource(service, method, path, headers, body, query, region, account)
    if service == "scheduler" and ":schedule/default/" in resource:
        group = json.loads(body or b"{}").get("GroupName") or _first(query, "groupName") or "default"
        return resource.replace(":schedule/default/", f":schedule/{group}/")
    if service == "dynamodb" and (table := _updated_table(body)):
        return f"arn:aws:dynamodb:{region}:{account}:table/{table}"
    if service == "ses" and (sender := _sender(body)):
        return f"arn:aws:ses:{region}:{account}:identity/{sender}"
    return resource


def context_as_on_aws(service: str, action: str, body: bytes, query: Any) -> dict[str, Any]:
    """Add the condition keys of an email's sender and of the partition key in a call of DynamoDB."""
    context: dict[str, Any] = name_context(service, action, body, query)
    sender = _sender(body) if service == "ses" else ""
    keys = _leading_keys(body) if service == "dynamodb" else []
    return context | ({"ses:FromAddress": sender} if sender else {}) | ({LEADING_KEYS: keys} if keys else {})


def recorded(decide: Callable[..., Any], trail: Path) -> Callable[..., Any]:
    """Wrap `decide`: each new decision is also written to the trail."""
    seen: set[tuple[str, str, str, bool]] = set()  # spares most calls the search for the caller, and the line
    known: set[str] = set()

    def decided(access_key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any) -> Any:
        refusal = decide(access_key, action, service, region, resource_arn=resource_arn, **more)
        case = (access_key, action, resource_arn, refusal is None)
        if case in seen:
            return refusal
        seen.add(case)
        caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", "")
        line = json.dumps({"who": caller, "action": action, "resource": resource_arn, "allowed": refusal is None})
        if line not in known:
            known.add(line)
            with trail.open("a") as file:
                file.write(line + "\n")
        return refusal

    return decided


def parsed_once(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap `parse`, which MiniStack calls with the policies of a role for each call: a tenth of its work for one."""
    known = cache(parse)
    return lambda document: known(document) if isinstance(document, str) else parse(document)


def whole_batches(receive: Callable[[str, int], list[Any]]) -> Callable[[str, int], list[Any]]:
    """Wrap `receive`, which takes ten messages for a function at most. AWS takes up to the batch size of a mapping with
    a batching window.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    def received(queue_url: str, batch_size: int) -> list[Any]:
        batch: list[Any] = []
        while len(batch) < batch_size and (more := receive(queue_url, batch_size - len(batch))):
            batch += more
        return batch

    return received


class SharedCode(zipfile.ZipFile):
    """A zip of Lambda code that is unpacked once; each worker gets links to its folders and files.

    MiniStack unpacks it for each worker, which takes a second of processor time and 21 MB each.
    """

    _unpacking = Lock()

    def extractall(self, path: Any = None, *options: Any) -> None:
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        folder = Path(tempfile.gettempdir()) / f"code-{digest}"
        with self._unpacking:
            if not folder.exists():
                unfinished = folder.with_suffix(".unfinished")
                super().extractall(unfinished, *options)
                unfinished.rename(folder)
        for entry in folder.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


def as_with_tls(source_ip: str, _: bool) -> None:
    """The local stack has no TLS. Its requests count as made with it, or policies that demand TLS would refuse all of
    them.
    """
    iam_evaluator.pin_request_origin(source_ip, True)


def refusing_foreign(serve: Callable[..., Any], own: OwnOrigins) -> Callable[..., Any]:
    """Wrap an ASGI application: it gets no request that origins.py refuses, and no such handshake of a WebSocket."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope.get("headers", ()))
        refusal = own.refusal(headers) if scope["type"] != "lifespan" else None
        if refusal is None:
            await serve(scope, receive, send)
            return
        kind = "http" if scope["type"] == "http" else "websocket.http"
        body = json.dumps({"detail": refusal}).encode()
        described = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": f"{kind}.response.start", "status": 403, "headers": described})
        await send({"type": f"{kind}.response.body", "body": body})

    return guarded


def _sender(body: bytes) -> str:
    return _first(parse_qs(body.decode("utf-8", "replace")), "Source")


def _leading_keys(body: bytes) -> list[str]:
    """The partition key of a call for one row of a table that has no sort key."""
    key = json.loads(body or b"{}").get("Key") or {}
    return [str(*value.values()) for value in key.values()] if len(key) == 1 else []


def _updated_table(body: bytes) -> str | None:
    """The table of a batch whose statements are all updates of this one table."""
    statements = json.loads(body or b"{}").get("Statements") or []
    tables = {found and found[1] for found in (UPDATE.match(one.get("Statement", "")) for one in statements)}
    return tables.pop() if len(tables) == 1 else None


def _first(values: Any, name: str) -> str:
    value = values.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def main() -> None:
    iam_actions.extract_iam_action = action_as_on_aws
    iam_actions.extract_resource_arn = resource_as_on_aws
    iam_actions.request_tag_context = context_as_on_aws
    if os.environ[WHOLE_BATCHES] == "1":
        sqs._receive_messages_for_esm = whole_batches(sqs._receive_messages_for_esm)
    eventbridge._put_events = partial(eventbridge._put_events, allow_aws_source=True)  # the simulator of AWS puts them
    scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULER_SECONDS
    dynamodb._evaluate_condition = FastQueries(dynamodb._evaluate_condition)
    dynamodb._tokenize = cache(dynamodb._tokenize)
    dynamodb._condition_syntax_error = cache(dynamodb._condition_syntax_error)
    partiql._tokenize = cache(partiql._tokenize)
    iam_evaluator.parse_policy_document = parsed_once(iam_evaluator.parse_policy_document)
    lambda_runtime.zipfile = SimpleNamespace(ZipFile=SharedCode, BadZipFile=zipfile.BadZipFile)
    if os.environ.get(TRAIL):
        iam_evaluator.enforce = recorded(decide, Path(os.environ[TRAIL]))
    app.pin_request_origin = as_with_tls
    app.app = refusing_foreign(app.app, OwnOrigins(tuple(map(int, os.environ[OWN_PORTS].split(",")))))
    app.main()


if __name__ == "__main__":
    main()
