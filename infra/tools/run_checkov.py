"""checkov as it is, but with the grammar of its JSON paths compiled once: checkov compiles it for each of 500 paths.

Run by the Python of .venv/tools/checkov, with checkov's own options.
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
    """`module`: the object whose methods are the grammar; it keeps nothing between two paths."""
    key = (type(module), start)
    if key not in compiled:
        compiled[key] = compile_grammar(module=module, start=start, **options)
    return compiled[key]


if __name__ == "__main__":
    ply.yacc.yacc = compile_once
    sys.argv[0] = str(Path(sys.executable).with_name("checkov"))
    runpy.run_path(sys.argv[0], run_name="__main__")
