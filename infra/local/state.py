"""The folder in STATE_DIR: one local stack uses it at a time, always with the same AWS_PORT."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from .stack import STORED, StackFailed


def claim_state(folder: Path, aws_port: int) -> IO[str]:
    """Keep other stacks out of the folder until the returned file is closed. Raises StackFailed.

    The stored addresses of queues have the port of the first start. With another one no Lambda would find its queue.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "aws-port").open("a+")
    except OSError as error:
        raise StackFailed(f"STATE_DIR: a folder to write into is expected ({error})") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StackFailed(f"STATE_DIR: another local stack uses {folder}: stop it, or choose another folder") from error
    file.seek(0)
    known = file.read().strip()
    if not known or not (folder / STORED).exists():
        file.truncate(0)
        print(aws_port, file=file, flush=True)
    elif known != str(aws_port):
        file.close()
        raise StackFailed(
            f"STATE_DIR: the queues in {folder} have addresses with port {known}: "
            f"set AWS_PORT={known}, or choose another folder"
        )
    return file
