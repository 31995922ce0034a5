"""Gets the engine onto this machine and runs the project's own commands on it."""
