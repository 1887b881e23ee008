"""The Lambda functions that queues, schedules and operators invoke, one module per trigger."""
