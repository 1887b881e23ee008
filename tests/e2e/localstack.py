"""The end-to-end tests on LocalStack's core (`make localstack-test`): where it differs, each with its reason.

A test with a difference is expected to fail there. If it passes, the run fails, so that the list stays true.
"""

from __future__ import annotations

import pytest

from tests.processes import PARTS, STACKS

NO_CHANGE = "4.13.1 refuses a change of a stack that has resources whose condition is false"
OWN_GUARD = "the port of AWS is LocalStack's, which has rules of its own for web pages"

DIFFERENCES = {
    "test_contract.py::test_unreadable_bodies_are_refused_and_write_nothing[headers4": (
        "through LocalStack the %FF of a form arrives as these three characters"
    ),
    "test_console_flow.py::": NO_CHANGE,
    "test_deploy.py::test_a_stage_is_deployed_beside_another_one_and_deleted": (
        "4.13.1 ignores DeletionPolicy: Retain, so the tables are deleted with the stack"
    ),
    "test_failover.py::": NO_CHANGE,
    "test_foreign_pages.py::test_a_foreign_name_of_this_machine_is_refused_with_the_addresses_to_use": OWN_GUARD,
    "test_foreign_pages.py::test_preflights_and_websockets_of_a_foreign_page_are_refused": OWN_GUARD,
    "test_gradual.py::test_the_api_answers_by_its_alias_and_a_setting_reaches_it": (
        "4.13.1 looks for the alias before SAM's transformation makes it"
    ),
    "test_imports.py::test_an_invalid_file_is_refused_at_once[headers0": (
        "through LocalStack a file in Windows-1251 is taken as text/csv"
    ),
    "test_provider_receipts.py::": NO_CHANGE,
    "test_watching.py::test_the_dashboard_exists_and_prometheus_gets_its_metrics": (
        "LocalStack has no AWS::CloudWatch::Dashboard"
    ),
}
"""The beginnings of the tests' ids, without the folder."""

NOT_RUN = {
    "test_imports.py::test_an_invalid_file_is_refused_at_once[headers0",
    *(beginning for beginning, reason in DIFFERENCES.items() if reason == NO_CHANGE),
}
"""The import would run and make clients, which later tests count. The others fail in their fixtures, twice."""


def mark(items: list[pytest.Item]) -> None:
    """Skips tests with stacks of their own, which are MiniStack's."""
    for item in items:
        path = f"e2e/{item.path.name}"
        if path in STACKS and path not in PARTS:
            item.add_marker(pytest.mark.skip(reason=STACKS[path]))
        name = item.nodeid.removeprefix("tests/e2e/")
        for beginning, reason in DIFFERENCES.items():
            if name.startswith(beginning):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True, run=beginning not in NOT_RUN))
