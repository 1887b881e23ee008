"""CloudFormation as it answers: statuses, events in pages, refusals, imports. The other services are moto's.

What it shows on demand, which emulators do not: a resource that fails, a rollback or a deletion that stops, and an
operation that is seen in progress. The calls come from a real client of boto3, so botocore checks their parameters,
and its paginators read the pages.
Sources: the API reference of CloudFormation, and import-resources-automatically.html in its user guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name

from .records import ChangeSet, Refused, Stack
from .service import CloudFormation

__all__ = ["ChangeSet", "CloudFormation", "Refused", "Stack", "answering"]


@contextmanager
def answering(double: CloudFormation) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The double answers all clients of CloudFormation that are made inside the block by boto3's default session.

    The list has all calls of the session to AWS: `service.Operation` and the parameters.
    """
    calls: list[tuple[str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"] = dict(params)
        calls.append((f"{model.service_model.service_name}.{model.name}", dict(params)))

    def answer(model: Any, context: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        double.before_answers()
        try:
            return SimpleNamespace(status_code=200), getattr(double, xform_name(model.name))(**context["asked"])
        except Refused as refused:
            error = {"Code": refused.code, "Message": str(refused)}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}

    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events
    events.register("before-parameter-build", note)
    events.register("before-call.cloudformation", answer)
    try:
        yield calls
    finally:
        boto3.DEFAULT_SESSION = None
