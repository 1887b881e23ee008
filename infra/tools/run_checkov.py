"""Run checkov, but compile the grammar of its JSON paths once. checkov itself compiles it for each of 500 paths.

The Python of .venv/tools/checkov runs this, with checkov's options.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import ply.yacc

compile_grammar = ply.yacc.yacc
compiled: dict[tuple[type, str], Any] = {}


def compile_once(*, module: Any, start: str, **options: Any) -> Any:
    """`module` is the object whose methods are the grammar. It keeps no state between two paths."""
    key = (type(module), start)
    if key not in compiled:
        compiled[key] = compile_grammar(module=module, start=start, **options)
    return compiled[key]


if __name__ == "__main__":
    ply.yacc.yacc = compile_once
    sys.argv[0] = str(Path(sys.executable).with_name("checkov"))
    runpy.run_path(sys.argv[0], run_name="__main__")
