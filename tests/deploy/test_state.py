"""The folder in STATE_DIR: which start of the local stack may use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.stack import STORED, StackFailed
from infra.local.state import claim_state


def test_a_stack_gets_its_folder_again_after_its_end(tmp_path: Path) -> None:
    for _ in range(2):
        claim_state(tmp_path / "new" / "state", 4566).close()


def test_two_stacks_do_not_share_a_folder(tmp_path: Path) -> None:
    """The one that stops last would overwrite what the other one has stored."""
    with (
        claim_state(tmp_path, 4566),
        pytest.raises(StackFailed, match="another local stack uses"),
    ):
        claim_state(tmp_path, 4566)


def test_another_port_of_aws_is_refused_because_the_stored_queues_have_the_first_one(tmp_path: Path) -> None:
    claim_state(tmp_path, 4566).close()
    (tmp_path / STORED).mkdir()
    for _ in range(2):
        with pytest.raises(StackFailed, match="set AWS_PORT=4566, or choose another folder"):
            claim_state(tmp_path, 4567)
    claim_state(tmp_path, 4566).close()


def test_a_start_that_stored_nothing_such_as_on_a_port_in_use_leaves_the_choice_of_the_port(tmp_path: Path) -> None:
    claim_state(tmp_path, 4566).close()
    claim_state(tmp_path, 4567).close()
    (tmp_path / STORED).mkdir()
    claim_state(tmp_path, 4567).close()


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackFailed, match="STATE_DIR: a folder to write into is expected"):
        claim_state(tmp_path / "file", 4566)
