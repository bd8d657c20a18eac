"""The contents of an inventory, and when nothing of another configuration is left in it. Pure."""

from __future__ import annotations

from dataclasses import replace

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.core.features.dkim import dkim_settings
from ses_operator.core.features.settings import remembered_settings
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Unread


def within_reach(inventory: Inventory, observed: Observed) -> Inventory:
    """Return the part of it that has to be written before the next step.

    Nothing is made where SES cannot be read: a region that is not enabled, or no region at all, can be removed from
    the spec again without a trace.
    """
    unread = {region for region, view in observed.regions.items() if isinstance(view, Unread)}
    return replace(inventory, regions=inventory.regions - unread)


def has_no_leftovers(desired: Desired, inventory: Inventory, lasting: frozenset[str] = frozenset()) -> bool:
    """Return True if no region, tag, setting, policy and no place with records is left over, and none that is wanted was lost.

    ``lasting``: old places of which it has been reported for long why they are kept.
    """
    places = 0 if desired.provider is DnsProvider.MANUAL else 1
    return (
        inventory.regions == frozenset(desired.regions)
        and inventory.tag_keys == frozenset(desired.tags) - {OWNER_TAG}
        and len(inventory.places - lasting) == places
        and not inventory.invited
        and not inventory.released
        and inventory.settings == remembered_settings(desired) | dkim_settings(desired)
    )
