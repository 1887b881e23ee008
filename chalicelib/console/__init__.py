"""The web console for people: pages, sessions, templates and static files."""
