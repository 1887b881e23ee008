"""Pages of the users of the console, for admins alone. A password is shown once, right after it is made."""

from __future__ import annotations

from chalice.app import Response

from ..access.users import add_user, change_role, find_user, remove_user, renew_password
from ..domain.principal import ROLES
from ..errors import BadInput, NotFound
from .page_requests import PageRequest

LIST_LENGTH = 100
ROLE, PASSWORD, REMOVE = "role", "password", "remove"
STEPS = (ROLE, PASSWORD, REMOVE)


def list_(request: PageRequest) -> Response:
    return _page(request)


def create(request: PageRequest) -> Response:
    name, role = request.field("name").strip(), request.field("role")
    try:
        password = add_user(request.services, name, role, request.author)
    except BadInput as refusal:
        return _page(request, status_code=400, errors=refusal.errors, name=name)
    return _page(request, new_password=password, name=name)


def confirm_step(request: PageRequest, name: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    user = find_user(request.services, name)
    return request.page("user_question.html", one=user.principal, step=step, roles=ROLES)


def take_step(request: PageRequest, name: str, step: str) -> Response:
    services, author = request.services, request.author
    match step:
        case "role":
            change_role(services, name, request.field("role"), author)
        case "remove":
            remove_user(services, name, author, by_admin=True)
        case "password":
            return _page(request, new_password=renew_password(services, name, author), name=name)
        case _:
            raise NotFound
    return request.redirect("/console/users", done=f"user_{step}")


def _page(
    request: PageRequest, status_code: int = 200, new_password: str | None = None, name: str = "", errors: object = None
) -> Response:
    """The cursor of this list is the number of users before the page, in the order of their names."""
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    first = page.number or 0
    users = sorted(request.services.users.all(), key=lambda user: user.principal.name.casefold())
    following = first + page.limit
    return request.page(
        "users.html",
        status_code,
        users=users[first:following],
        next=request.next_page(page, (following,) if following < len(users) else None),
        roles=ROLES,
        new_password=new_password,
        name=name,
        errors=errors or {},
        done=request.query.get("done"),
    )
