"""The way back from what the component makes to the arguments that declare it, for ``sagebridge adopt``.

What there is comes as pulumi-aws's arguments by Python's names, without those that are not set (:class:`Existing`).
``arguments``, ``autoscaling`` and ``alarms`` find what declares it, and ``children`` says in the same form what the
component would make of that, so that the two can be compared.
"""

from sagebridge.endpoint.names import Names
from sagebridge.endpoint.reverse.arguments import alarms, arguments, autoscaling, problems, with_autoscaling
from sagebridge.endpoint.reverse.children import Child, Group, Role, children
from sagebridge.endpoint.reverse.existing import Arguments, Existing

__all__ = [
    "Arguments",
    "Child",
    "Existing",
    "Group",
    "Names",
    "Role",
    "alarms",
    "arguments",
    "autoscaling",
    "children",
    "problems",
    "with_autoscaling",
]
