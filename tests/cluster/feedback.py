"""Configuration sets, and what SES has of an identity's notifications, as another client of the same AWS account uses them."""

from __future__ import annotations

from typing import Any

from cluster.tenant import Tenant


def ensure_configuration_set(tenant: Tenant, region: str, name: str) -> None:
    ses = tenant.ses(region)
    if name not in ses.list_configuration_sets()["ConfigurationSets"]:
        ses.create_configuration_set(ConfigurationSetName=name)


def topics(tenant: Tenant, region: str) -> dict[str, Any]:
    """What SES has of the identity's notifications, without the settings that SES begins with."""
    found = tenant.ses_v1(region).get_identity_notification_attributes(Identities=[tenant.domain])
    said: dict[str, Any] = {**found["NotificationAttributes"].get(tenant.domain, {})}
    return {name: value for name, value in said.items() if value and name != "ForwardingEnabled"}
