"""The context of an operation, beside its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ses_sandbox.access.caller import Caller
from ses_sandbox.access.guard import Permits
from ses_sandbox.errors import bad_request, not_found
from ses_sandbox.regions import identity_arn
from ses_sandbox.ses.state.models import ConfigurationSet, Identity, IdentityType, RegionState
from ses_sandbox.ses.state.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """The account and region that a call acts in, its caller, and the simulated time. The store's lock is held.

    ``source_ip``: the address that the call comes from.
    ``permits``: returns True if the caller may carry out an action on a resource ARN, for operations that need a
    second permission.
    """

    store: Store
    state: RegionState
    caller: Caller
    now: datetime
    permits: Permits
    source_ip: str

    def identity(self, name: str) -> Identity:
        """Return an identity. Raises NotFoundException."""
        if (found := self.state.find(name)) is None:
            raise not_found(f"Email identity {name} does not exist.")
        return found

    def identity_to_change(self, name: str) -> Identity:
        """Return an identity, for operations that answer BadRequestException in place of NotFoundException (as seen in use)."""
        if (found := self.state.find(name)) is None:
            raise bad_request(f"Identity {name} does not exist.")
        return found

    def domain_identity(self, identity: Identity) -> Identity:
        """Return the same identity if it is a domain. Raises BadRequestException: an address has no DKIM of its own."""
        if identity.type is not IdentityType.DOMAIN:
            raise bad_request("DKIM can be configured for domain identities only.")
        return identity

    def configuration_set(self, name: str) -> ConfigurationSet:
        """Return a configuration set. Raises NotFoundException."""
        if (found := self.state.configuration_sets.get(name)) is None:
            raise not_found(f"Configuration set <{name}> does not exist.")
        return found

    def require_no_tenants(self, arn: str) -> None:
        """Raise BadRequestException if a resource that is to be deleted is associated with a tenant."""
        if self.state.has_tenants(arn):
            raise bad_request(
                f"Cannot delete <{arn}> because it has tenant associations. Remove all tenant associations and try again."
            )

    def name_of(self, given: str) -> str:
        """Return the name of an identity that is given by its name or by its ARN, as some operations of version 1 allow.

        An ARN of another account or region is returned as it is: no identity has it for its name.
        """
        return given.removeprefix(identity_arn(self.state.account, self.state.region, ""))


Operation = Callable[[Context, Mapping[str, Any]], dict[str, Any]]
"""An operation: input by member name, already checked against the model, to output by member name."""
