"""The controllers of the operator. A kind more is a package more, and a line here."""

from __future__ import annotations

from ses_operator.controllers.account import controller as account
from ses_operator.controllers.identity import reconciler as identity
from ses_operator.controllers.notification import controller as notification
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.template import controller as template
from ses_operator.runtime.controller import Controller

REGISTRATIONS = (
    account.register,
    template.register,
    notification.register,
    identity.register,
)
"""They are started in this order, and closed in the reverse one: identities use what accounts have opened."""


def build_controllers(context: ControllerContext) -> tuple[Controller, ...]:
    """Return the controllers of a replica. They hold nothing open before they are started."""
    return tuple(register(context) for register in REGISTRATIONS)
