"""Make, list and delete templates of texts. A draft that began from one keeps its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.text_template import MOST_TEMPLATES, TEMPLATE_ID, TextTemplate
from ..errors import BadInput, NotFound, RowChanged
from ..texts import Text
from .placeholders import require_known_placeholders

if TYPE_CHECKING:
    from ..adapters.services import Services

SUBJECT = "template"


def make_template(services: Services, name: str, text: str, author: Author) -> TextTemplate:
    """Raises BadInput for an unknown placeholder, or if there are too many templates."""
    require_known_placeholders(services, text)
    if len(list_templates(services)) >= MOST_TEMPLATES:
        raise BadInput({"template_name": [Text("template.too_many", most=MOST_TEMPLATES)]})
    template = TextTemplate(services.counters.next_id(TEMPLATE_ID), name, text, author.name, services.clock.now())
    services.text_templates.add(template, author.record(SUBJECT, template.id, None, _shown(template)))
    return template


def get_template(services: Services, template_id: int) -> TextTemplate:
    template = services.text_templates.get(template_id)
    if template is None:
        raise NotFound
    return template


def list_templates(services: Services) -> list[TextTemplate]:
    """The newest first."""
    return services.text_templates.newest(MOST_TEMPLATES)


def delete_template(services: Services, template_id: int, author: Author) -> None:
    template = get_template(services, template_id)
    try:
        services.text_templates.remove(template, author.record(SUBJECT, template_id, _shown(template), None))
    except RowChanged:
        raise NotFound from None


def _shown(template: TextTemplate) -> dict[str, object]:
    return {"name": template.name, "message_text": template.text}
