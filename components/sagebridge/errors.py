"""What to say of a failed call to the engine."""


def reason(error: Exception) -> str:
    """Returns the one line that says why, without the engine's repeated "invoke of … failed"."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].rsplit(" returned an error: ", maxsplit=1)[-1]
