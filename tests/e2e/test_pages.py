"""The commands of the pages in docs/ that run on a local stack, and their answers."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from infra.deploy import ROOT
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .conftest import Call
from .pages import Bash, run_page
from .test_operations import next_import

PAGES = (
    "TUTORIAL",
    "API",
    "AUDIENCE",
    "CLIENTS_AND_CSV",
    "DATA",
    "LOCAL_HOURS_AND_RATES",
    "SERIES",
    "GATEWAYS",
    "RECEIPTS",
)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_the_page_gives_the_answer_of_the_page(
    stack: DevStack, call: Call, simulator: Simulator, tmp_path: Path, name: str
) -> None:
    own = {
        "http://127.0.0.1:8000": stack.url,
        "http://127.0.0.1:9000": simulator.url,
        "http://127.0.0.1:4566": stack.aws_url,
    }
    bash = Bash(tmp_path)
    try:
        run_page((ROOT / "docs" / f"{name}.md").read_text(), bash, own | own_ids(call))
    finally:
        bash.close()


def own_ids(call: Call) -> dict[str, str]:
    """The pages count ids from 1, as on a new stack."""
    counters = boto3.resource("dynamodb").Table("notifications-local-counters")
    last = {name: int(counters.get_item(Key={"name": name}).get("Item", {}).get("value", 0)) for name in COUNTERS}
    return {
        rf"(\$API/{path}/){number}\b": rf"\g<1>{last[name] + number}"
        for name, path in COUNTERS.items()
        for number in (1, 2)
    } | {rf"(\$API/Clients/import/){number}\b": rf"\g<1>{next_import(call) + number - 1}" for number in (3, 1)}


COUNTERS = {"client_id": "Clients", "mailing_id": "(?:Mailing|Stats)", "segment_id": "Segments"}
