"""Errors: the exception for what a user can put right, and the reason in a failed call to the engine."""


class UserError(Exception):
    """Says what was wrong, where, and what to do; the command line prints it and exits with 1."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def reason(error: Exception) -> str:
    """Returns the one line that says why, without the engine's repeated "invoke of … failed"."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].rsplit(" returned an error: ", maxsplit=1)[-1]
