"""The changes to MiniStack that let a local stack start and answer fast, and its log of IAM decisions."""

from __future__ import annotations

import inspect
import json
import zipfile
from pathlib import Path

import pytest
from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import _dynamodb_keywords as partiql
from ministack.services import dynamodb, scheduler

from infra.local.conditions import SLOTS
from infra.local.ministack import SharedCode, context_as_on_aws, parsed_once, recorded, whole_batches


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tmp_path / "code.zip"
    with zipfile.ZipFile(file, "w") as files:
        files.writestr("app.py", "NUMBER = 1\n")
        files.writestr("chalicelib/__init__.py", "")
    return file


def test_workers_share_the_code_of_a_package_until_the_last_one_ends(package: Path, tmp_path: Path) -> None:
    workers = [tmp_path / "first", tmp_path / "second"]
    for worker in workers:
        worker.mkdir()
        with SharedCode(package) as code:
            code.extractall(str(worker))
    assert (workers[0] / "app.py").samefile(workers[1] / "app.py")
    (workers[0] / "chalicelib").unlink()
    assert (workers[1] / "chalicelib" / "__init__.py").exists()
    with zipfile.ZipFile(package, "a") as files:
        files.writestr("new.py", "")
    third = tmp_path / "third"
    third.mkdir()
    with SharedCode(package) as code:
        code.extractall(third)
    assert {entry.name for entry in third.iterdir()} == {"app.py", "chalicelib", "new.py"}
    assert not (workers[0] / "new.py").exists()


def test_ministack_still_has_the_replaced_functions() -> None:
    """Otherwise a later version of MiniStack would be slow, or answer web pages, without an error."""
    assert "hypercorn_serve(app, config)" in inspect.getsource(app.main)
    assert scheduler._SCHEDULE_TICK_INTERVAL > 0
    assert "zipfile.ZipFile(" in Path(lambda_runtime.__file__).read_text()
    assert ".extractall(code_dir)" in Path(lambda_runtime.__file__).read_text()
    for slot in SLOTS:
        assert f'it, eav, ean, slot="{slot}")' in inspect.getsource(dynamodb._query)
    assert list(inspect.signature(dynamodb._tokenize).parameters) == ["expr"]
    assert list(inspect.signature(partiql._tokenize).parameters) == ["text"]
    assert list(inspect.signature(iam_evaluator.parse_policy_document).parameters) == ["doc"]
    assert "parse_policy_document(doc)" in inspect.getsource(iam_evaluator._gather_role_policies)
    assert list(inspect.signature(dynamodb._condition_syntax_error).parameters) == ["expr", "slot"]


def test_the_policy_of_a_role_is_parsed_once_and_a_changed_one_again() -> None:
    read: list[object] = []
    parse = parsed_once(lambda document: read.append(document) or iam_evaluator.parse_policy_document(document))  # type: ignore[func-returns-value]
    allowed, refused = (json.dumps({"Statement": {"Effect": effect, "Action": "*"}}) for effect in ("Allow", "Deny"))
    effects = [parse(policy)[0].effect for policy in (allowed, allowed, refused, allowed, json.loads(refused))]
    assert effects == ["Allow", "Allow", "Deny", "Allow", "Deny"]
    assert read == [allowed, refused, json.loads(refused)]


def test_each_decision_about_a_caller_is_written_once(tmp_path: Path) -> None:
    trail = tmp_path / "iam.jsonl"
    decided = recorded(lambda *_, **__: None, trail)
    for resource in ("arn:aws:sqs:::a", "arn:aws:sqs:::b", "arn:aws:sqs:::a"):
        assert decided("test", "sqs:SendMessage", "sqs", "us-east-1", resource_arn=resource) is None
    lines = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [line["resource"] for line in lines] == ["arn:aws:sqs:::a", "arn:aws:sqs:::b"]
    assert all(line["allowed"] and line["who"].endswith(":root") for line in lines)


def test_a_function_gets_as_many_messages_as_its_mapping_asks_for() -> None:
    queue = list(range(35))

    def receive(_: str, number: int) -> list[int]:
        taken, queue[:] = queue[: min(number, 10)], queue[min(number, 10) :]
        return taken

    received = whole_batches(receive)
    assert [received("url", 25), received("url", 25), received("url", 25)] == [[*range(25)], [*range(25, 35)], []]


def test_a_condition_can_name_the_row_of_a_call() -> None:
    """MiniStack does not know the condition key, and `ForAllValues` holds without it."""
    body = json.dumps({"TableName": "counters", "Key": {"name": {"S": "audit_copy"}}}).encode()
    context = context_as_on_aws("dynamodb", "dynamodb:UpdateItem", body, {})
    assert context["dynamodb:LeadingKeys"] == ["audit_copy"]
    assert "dynamodb:LeadingKeys" not in context_as_on_aws("dynamodb", "dynamodb:Query", b'{"TableName": "audit"}', {})
