"""Tests run in several processes. Tests that share a stack run in one of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.localstack import DIFFERENCES, NOT_RUN
from tests.processes import group_of, order_of

ROOT = Path(__file__).parents[2]
TESTS = """
import os, pytest

@pytest.mark.parametrize("number", range(10))
def test_nothing(number):
    open(os.environ["RAN"], "a").write(f"{__file__} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""


def test_end_to_end_tests_share_a_stack_quick_tests_a_file_and_other_tests_are_alone() -> None:
    console, mailing = (group_of(f"tests/e2e/test_{name}.py::test_a") for name in ("console", "mailing"))
    assert console == group_of("tests/e2e/test_console_flow.py::test_a")
    alone = [group_of(f"tests/{name}.py::test_a") for name in ("e2e/test_deploy", "rights/test_rights")]
    assert len({console, mailing, *alone}) == 4
    assert group_of("tests/e2e/test_chaos.py::test_a") not in (console, group_of("tests/e2e/test_up.py::test_a"))
    assert group_of("tests/domain/test_sms.py::test_a[tests/e2e]") == "tests/domain/test_sms.py"
    assert group_of("tests/invariants/test_rates.py::test_a[e2e/1]") == "tests/invariants/test_rates.py::test_a[e2e/1]"


def test_stacks_come_first_and_quick_files_last() -> None:
    paths = ["domain/test_sms.py", "invariants/test_rates.py", "adapters/test_cost.py", "e2e/test_up.py"]
    assert sorted(paths, key=order_of) == paths[::-1]


def test_a_group_runs_in_one_process_and_single_tests_in_both(tmp_path: Path) -> None:
    """Uses the installed versions: pytest-xdist's own groups have no effect with a newer pytest."""
    (tmp_path / "tests" / "e2e").mkdir(parents=True)
    for name in ("e2e/test_one.py", "e2e/test_other.py", "test_single.py"):
        (tmp_path / "tests" / name).write_text(TESTS)
    hook = "from tests.processes import make_scheduler as pytest_xdist_make_scheduler\n"
    (tmp_path / "groups.py").write_text(hook)
    ran = tmp_path / "ran.txt"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "xdist",
        "-p",
        "groups",
        "--numprocesses=2",
        "--rootdir",
        str(tmp_path),
        "tests",
    ]
    environment = {
        "PATH": "",
        "RAN": str(ran),
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    workers = {line.rpartition(" ")[2] for line in ran.read_text().splitlines() if "e2e" in line}
    assert len(workers) == 1
    assert len({line.rpartition(" ")[2] for line in ran.read_text().splitlines()}) == 2


def test_every_difference_of_localstack_belongs_to_a_test() -> None:
    assert set(DIFFERENCES) >= NOT_RUN
    for test in DIFFERENCES:
        file, _, name = test.partition("[")[0].partition("::")
        text = (ROOT / "tests" / "e2e" / file).read_text()
        assert name == "" or f"def {name}(" in text, test
