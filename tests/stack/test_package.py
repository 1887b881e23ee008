"""What is left of a package whose making was broken off."""

from __future__ import annotations

import zipfile
from pathlib import Path

from infra.deploy.package import forget_broken_archives


def test_an_archive_that_was_broken_off_is_made_anew_and_a_whole_one_is_kept(tmp_path: Path) -> None:
    archives = tmp_path / ".chalice" / "deployments"
    archives.mkdir(parents=True)
    for name in ("whole.zip", "broken.zip"):
        with zipfile.ZipFile(archives / name, "w") as archive:
            archive.writestr("app.py", "content " * 1000)
    content = (archives / "broken.zip").read_bytes()
    (archives / "broken.zip").write_bytes(content[: len(content) // 2])
    forget_broken_archives(tmp_path)
    assert [archive.name for archive in archives.iterdir()] == ["whole.zip"]
