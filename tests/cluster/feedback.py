"""Configuration sets, and what SES has of an identity's notifications, as another client of the same AWS account uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from cluster.tenant import Tenant

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient


def ensure_configuration_set(tenant: Tenant, region: str, name: str) -> None:
    ses = tenant.ses(region)
    if name not in ses.list_configuration_sets()["ConfigurationSets"]:
        ses.create_configuration_set(ConfigurationSetName=name)


def topics(tenant: Tenant, region: str) -> dict[str, Any]:
    """What SES has of the identity's notifications, without the settings that SES begins with."""
    found = ses_v1(tenant, region).get_identity_notification_attributes(Identities=[tenant.domain])
    said: dict[str, Any] = {**found["NotificationAttributes"].get(tenant.domain, {})}
    return {name: value for name, value in said.items() if value and name != "ForwardingEnabled"}


def ses_v1(tenant: Tenant, region: str) -> SESClient:
    """The first version of the API."""
    session = boto3.Session(aws_access_key_id="AKIASOMEBODYELSE", aws_secret_access_key="any")
    return session.client("ses", region_name=region, endpoint_url=tenant.environment.sandbox.aws_url)
