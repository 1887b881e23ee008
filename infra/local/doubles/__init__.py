"""Test doubles in one process: fakes of all adapters, and the adapters over an emulated AWS."""
