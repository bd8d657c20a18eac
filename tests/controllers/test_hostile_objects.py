"""Objects that tenants write to do harm: they cost no more than others, and hold no one up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"


def made_up(count: int) -> list[str]:
    return [f"eu-{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}{'x' * (n // 676)}-{n % 90}" for n in range(count)]


def annotated(tenant: Tenant) -> Mapping[str, str]:
    identity = tenant.identity()
    assert identity is not None
    return identity.metadata.annotations


def asked_regions(tenant: Tenant) -> set[str]:
    return {call["region"] for call in tenant.calls(limit=2000)}


def test_an_annotation_with_12000_regions_is_taken_for_damaged_and_written_again(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    tenant.annotate(INVENTORY, json.dumps({"regions": made_up(12_000)}))

    tenant.reconciled()

    kept = json.loads(annotated(tenant)[INVENTORY])
    assert kept["regions"] == [IRELAND]
    assert asked_regions(tenant) <= {IRELAND, "us-east-1"}
    tenant.delete()
    tenant.gone()
    assert tenant.at_ses() == {}


def test_regions_that_do_not_exist_in_an_annotation_are_not_asked_and_hold_up_no_deletion(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    tenant.annotate(INVENTORY, json.dumps({"regions": [IRELAND, *made_up(60)]}))

    tenant.delete()
    tenant.gone()

    assert tenant.at_ses() == {}
    assert asked_regions(tenant) <= {IRELAND, "us-east-1"}


def test_regions_that_do_not_exist_are_refused_and_are_no_ones_but_the_objects(tenant: Tenant, world: World) -> None:
    tenant.create(*made_up(31), IRELAND)

    tenant.verified("1/32")

    explains(tenant, Reason.REGION_NOT_SUPPORTED, made_up(1)[0])
    world.reconcile(tenant.account, kind="account")
    account = tenant.api.get(f"{ACCOUNTS}/{tenant.account}")
    assert account is not None
    assert [region["region"] for region in account["status"]["regions"]] == [IRELAND]
    assert asked_regions(tenant) <= {IRELAND, "us-east-1"}
    exposed = {
        sample.labels.get("region") for metric in world.telemetry.registry.collect() for sample in metric.samples
    }
    assert exposed.isdisjoint(made_up(31))


def test_a_region_that_the_platform_has_added_is_asked(tenant: Tenant, world: World) -> None:
    world.stop()
    newer = World(world.host, world.namespaces, world.accounts, additional_regions="eu-newest-1, eu-newest-2")
    tenant = replace(tenant, wait=newer.until)

    tenant.create("eu-newest-1")

    explains(tenant, Reason.REGION_UNREACHABLE, "eu-newest-1")
    newer.stop()
