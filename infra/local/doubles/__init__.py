"""Stand-ins in one process, for tests and measurements: fakes of all adapters, and real adapters on an emulated AWS."""
