"""Templates of texts in the console: saved from a draft, used, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.domain.text_template import TextTemplate
from infra.local.doubles.fake_clock import FakeClock

from .conftest import Call
from .test_console import SCRIPT, Browser, anna, anonymous, launch, new_form, open_new_form

__all__ = ["anna", "anonymous"]


def test_a_text_is_saved_as_a_template_from_a_draft_and_a_draft_begins_from_it(anna: Browser) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", timezone="UTC", attributes="имя=Анна")
    draft = open_new_form(anna)
    saved = anna.post(draft, message_text=f"{{имя}}, привет {SCRIPT}", template_name="Привет", step="template")
    assert saved.headers["Location"] == f"{draft}?done=template"
    page = anna.get("/console/templates").text
    assert "Привет" in page
    assert "{имя}, привет &lt;script&gt;" in page
    begun = anna.post("/console/templates/1/use").headers["Location"]
    assert begun != draft
    assert "{имя}, привет &lt;script&gt;" in anna.get(begun).text
    assert "template" in anna.get("/console/audit?kind=template").text
    assert "Delete this template?" in anna.get("/console/templates/1/delete").text
    anna.post("/console/templates/1/delete")
    assert "No templates yet" in anna.get("/console/templates").text
    assert "{имя}, привет" in anna.get(begun).text, "the draft keeps the text"
    for answer in (anna.post("/console/templates/1/use"), anna.post("/console/templates/1/delete")):
        assert answer.status == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"template_name": ""}, "This field may not be blank."),
        ({"template_name": "x" * 300}, "at most"),
        ({"message_text": ""}, "This field may not be blank."),
        ({"message_text": "{nobody}"}, "Unknown fields: nobody."),
    ],
)
def test_a_template_that_could_not_be_used_is_refused_and_the_draft_is_kept(
    anna: Browser, services: Services, fields: dict[str, str], text: str
) -> None:
    refused = new_form(anna, **{"message_text": "hello", "template_name": "x", "step": "template", **fields})
    assert refused.status == 400
    assert text in refused.text
    assert services.text_templates.newest(9) == []
    kept = services.drafts.get(1, services.clock.now())
    assert kept is not None
    assert "template_name" not in kept.form


def test_there_are_at_most_a_hundred_templates(anna: Browser, services: Services) -> None:
    for number in range(100):
        services.text_templates.add(TextTemplate(number + 1, f"no. {number}", "text", "anna", FakeClock().now()))
    assert len(anna.get("/console/templates").text.encode()) < 100_000
    refused: Any = new_form(anna, message_text="hello", template_name="x", step="template")
    assert "There are 100 templates already" in refused.text


def test_a_reader_sees_templates_and_no_buttons(anonymous: Browser, call: Call) -> None:
    anonymous.sign_in("anna")
    new_form(anonymous, message_text="hello", template_name="x", step="template")
    launch(anonymous)
    anonymous.sign_in("boris")
    page = anonymous.get("/console/templates").text
    assert "hello" in page
    assert "/use" not in page
    assert anonymous.post("/console/templates/1/use").status == 403
    assert anonymous.get("/console/templates/1/delete").status == 403
