"""Clients: the registry, the stop list, imports, and reading the clients of a slice."""
