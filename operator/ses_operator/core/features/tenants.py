"""SES tenants, which hold up the deletion of an identity that is associated with them. Pure.

Source: SES Developer Guide, "Tenants"; API reference, ListResourceTenants, DeleteTenantResourceAssociation.
"""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 5
"""The number of tenants that a message names."""


def tenants_hold(identity: str, region: str, tenants: Sequence[str]) -> str:
    """Return why SES does not delete an identity, and how each of the tenants lets go of it."""
    named, more = tenants[:NAMED], len(tenants) - NAMED
    names = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    return (
        f"SES does not delete {identity} in {region} while tenants are associated with it: {names}. For each of them call "
        "DeleteTenantResourceAssociation (aws sesv2 delete-tenant-resource-association); the identity is then deleted"
    )
