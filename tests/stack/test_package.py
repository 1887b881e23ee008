"""What Chalice keeps between two packagings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from infra.deploy.package import archives_of_finished_runs


def write_archive(project: Path) -> Path:
    archive = project / ".chalice" / "deployments" / "some.zip"
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(b"content")
    return archive


def test_archives_of_an_interrupted_run_are_not_used_again(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), archives_of_finished_runs(tmp_path):
        archive = write_archive(tmp_path)
        raise KeyboardInterrupt
    with archives_of_finished_runs(tmp_path):
        assert not archive.exists()


def test_archives_of_a_finished_run_are_used_again(tmp_path: Path) -> None:
    with archives_of_finished_runs(tmp_path):
        archive = write_archive(tmp_path)
    with archives_of_finished_runs(tmp_path):
        assert archive.exists()
