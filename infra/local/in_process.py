"""MiniStack's services in this process: they answer the requests of botocore without a server or a socket.

A call is much faster than with moto. Tests and `make cost` count thousands of calls.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore import UNSIGNED, handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from pynamodb.models import Model

from chalicelib.adapters import aws

State = bytes
"""What MiniStack has, pickled: to copy it otherwise takes ten times as long, and each test begins with a copy."""

SAVED = ("dynamodb", "s3", "scheduler", "sqs", "ssm")
SERVICES = ("dynamodb", "s3", "scheduler", "ses", "sqs", "ssm")

_lock = Lock()
"""MiniStack's services expect a single thread, that of a server's event loop."""

_answering: dict[str, Any] = {}
"""MiniStack's modules by service; empty outside `ministack_in_process`."""


@contextmanager
def ministack_in_process(state: State | None = None) -> Iterator[None]:
    """Inside the block, AWS is MiniStack for all clients. It begins empty or with `state`, and is empty at the end."""
    services = _load_services()
    if HOOKS[0] not in handlers.BUILTIN_HANDLERS:
        handlers.BUILTIN_HANDLERS.extend(HOOKS)
        forget_connections()  # clients of earlier sessions do not have the hooks
    _reset(services)
    for name, content in (pickle.loads(state) if state else {}).items():  # noqa: S301 - it is of this process
        services[name].load_persisted_state(content)
    _answering.update(services)
    try:
        yield
    finally:
        _answering.clear()
        _reset(services)


def saved_state() -> State:
    """What MiniStack has now: to begin with it again is quicker than to create its tables and queues again."""
    return pickle.dumps({name: _answering[name].get_state() for name in SAVED})


def forget_connections() -> None:
    """Clients are created again at their next use, so that they get hooks that were added since."""
    aws.reset_clients()
    boto3.DEFAULT_SESSION = None
    for model in Model.__subclasses__():
        model._connection = None


def _answer(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
    if not _answering:
        return None
    with _lock:
        status, headers, body = _result(_ask(_answering[event_name.split(".")[1]], request))
    return AWSResponse(request.url, status, headers, _Content(_bytes(body)))


def _signer(**_: Any) -> Any:
    """None, the usual signer, outside the block. Inside it nobody checks signatures, a tenth of the time of a call."""
    return UNSIGNED if _answering else None


HOOKS = (("before-send", _answer), ("choose-signer", _signer))


class _Content(BytesIO):
    """The body of an answer, with the interface of urllib3 that botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk


async def _ask(service: Any, request: AWSPreparedRequest) -> Any:
    address = urlsplit(request.url)
    bucket, of_s3, _ = address.netloc.partition(".s3.")  # botocore puts the bucket into the host name
    path = f"/{bucket}{address.path}" if of_s3 else address.path
    headers = {name.lower(): _text(value) for name, value in request.headers.items()} | {"host": address.netloc}
    query = parse_qs(address.query, keep_blank_values=True)
    body = import_module("ministack.app")._decode_aws_chunked_body(_bytes(request.body), headers)
    return await service.handle_request(request.method, path, headers, body, query)


def _result(call: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine without an event loop, which would take longer than the call. Only a long poll would wait."""
    try:
        call.send(None)
    except StopIteration as finished:
        return finished.value
    raise RuntimeError("a long poll needs a server")


def _load_services() -> dict[str, Any]:
    """Import MiniStack, and undo its changes to the root logger."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    import_module("ministack.app")
    services = {name: import_module(f"ministack.services.{name}") for name in SERVICES}
    root.handlers[:] = before
    root.setLevel(level)
    return services


def _reset(services: dict[str, Any]) -> None:
    for service in services.values():
        service.reset()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:
    """`body` is text, bytes, a stream, or None."""
    content = body.read() if hasattr(body, "read") else body or b""
    return content.encode() if isinstance(content, str) else bytes(content)
