"""An empty Chalice app on the emulator: the least that any answer over API Gateway costs.

MiniStack waits up to 50 ms for the first log line of an invocation. `/` writes none, so most of its time is this wait.
`/logged` writes one, as the service does.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from infra.deploy import ROOT, package
from infra.deploy.code_bucket import code_bucket, upload
from infra.deploy.stack import Deployment, change_stack, outputs_of

EMPTY_APP = """
import sys

from chalice import Chalice

app = Chalice(app_name="empty")


@app.route("/")
def empty():
    return {}


@app.route("/logged")
def logged():
    print("{}", file=sys.stderr)
    return {}
"""
CONFIG = {"version": "2.0", "app_name": "empty", "environment_variables": {"EMPTY": "true"}}
USED_BY_OPTIONS = ("Parameters", "Conditions")
"""The parts of the service's template that the options of an account need. `package` adds them to each template."""

VALUES = {"Stage": "local", "GatewayUrl": "http://127.0.0.1"}
"""The parameters without a default."""


def deploy_empty_app() -> dict[str, str]:
    """Returns the outputs of its stack. It has no authorizer and no table."""
    out = package("local", _empty_project())
    template = json.loads((out / "sam.json").read_text())
    url = upload(out, template, code_bucket("empty"))
    change_stack(Deployment("empty", template, url, VALUES))
    return outputs_of("empty")


def _empty_project() -> Path:
    project = Path(tempfile.mkdtemp(prefix="empty-"))
    (project / "app.py").write_text(EMPTY_APP)
    template = json.loads((ROOT / "infra/stack.json").read_text())
    merged = {part: template[part] for part in USED_BY_OPTIONS}
    for path, content in ((".chalice/config.json", CONFIG), ("infra/stack.json", merged)):
        (project / path).parent.mkdir()
        (project / path).write_text(json.dumps(content))
    return project
