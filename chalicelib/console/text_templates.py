"""Pages of templates of texts: the list, a draft from one, and their deletion."""

from __future__ import annotations

from chalice.app import Response

from ..domain.text_template import TextTemplate
from ..field_rules import name_for_people
from ..fields import MAILING
from ..http.calls import read_id
from ..mailings import text_templates as use_cases
from ..mailings.drafts import make_draft
from ..rules import Field, read_fields
from .page_requests import PageRequest
from .restricted_pages import for_writers

TEMPLATE = {
    "template_name": Field(name_for_people, "The name of the template.", required=True),
    "message_text": MAILING["message_text"],
}


def list_(request: PageRequest) -> Response:
    found = use_cases.list_templates(request.services)
    return request.page("text_templates.html", found=found, done=request.query.get("done"))


def make(request: PageRequest) -> TextTemplate:
    """From the form of a draft. Raises BadInput."""
    sent = {name: request.field(name) for name in TEMPLATE}
    fields = read_fields(sent, TEMPLATE, set(), partial=False)
    name, text = (str(fields[name]) for name in TEMPLATE)
    return use_cases.make_template(request.services, name, text, request.author)


def use(request: PageRequest, sent_id: str) -> Response:
    """A new draft with the text."""
    template = use_cases.get_template(request.services, read_id(sent_id))
    draft = make_draft(request.services, {"message_text": [template.text]}, request.principal.name)
    return request.redirect(f"/console/drafts/{draft.id}")


@for_writers
def confirm_delete(request: PageRequest, sent_id: str) -> Response:
    template = use_cases.get_template(request.services, read_id(sent_id))
    return request.page("text_template_question.html", found=template)


def delete(request: PageRequest, sent_id: str) -> Response:
    use_cases.delete_template(request.services, read_id(sent_id), request.author)
    return request.redirect("/console/templates", done="deleted")
