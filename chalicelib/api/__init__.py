"""The HTTP API for programs: routes, schemas and the OpenAPI description."""
