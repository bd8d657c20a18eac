"""The parties that can change the state that a reason reports."""

from __future__ import annotations

from enum import Enum


class Actor(Enum):
    """The party that can change the state that a reason reports."""

    NONE = "nothing to do"
    OPERATOR = "the operator goes on by itself"
    DNS = "whoever runs the DNS zone"
    PLATFORM = "whoever runs the cluster, the SesAccount or the AWS account"
    MAILBOX = "whoever reads the mail of the address"
    AUTHOR = "whoever writes the spec of this object (or the policy that it breaks)"
