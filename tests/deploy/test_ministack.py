"""What is changed in MiniStack so that a local stack starts soon."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from ministack.core import lambda_runtime
from ministack.services import scheduler

from infra.local.ministack import SharedCode


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tmp_path / "code.zip"
    with zipfile.ZipFile(file, "w") as files:
        files.writestr("app.py", "NUMBER = 1\n")
        files.writestr("chalicelib/__init__.py", "")
    return file


def test_workers_share_the_code_of_a_package_and_leave_it_when_they_are_gone(package: Path, tmp_path: Path) -> None:
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


def test_ministack_still_has_what_is_replaced_in_it() -> None:
    """Another version that has it no more would be slow, and nothing would say so."""
    assert scheduler._SCHEDULE_TICK_INTERVAL > 0
    assert "zipfile.ZipFile(" in Path(lambda_runtime.__file__).read_text()
    assert ".extractall(code_dir)" in Path(lambda_runtime.__file__).read_text()
