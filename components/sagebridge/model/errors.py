"""The exception for what a user can put right, under the name that this room has for it."""

from sagebridge.errors import UserError as CommandError

__all__ = ["CommandError"]
