"""The error of a container that does not serve."""


class NotServedError(Exception):
    """The container cannot serve the model; the message says why, for its log."""
