"""Deterministic Easy DKIM: one region has the key, the others replicate it."""

from __future__ import annotations

from typing import Any

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.world import World
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA, SYDNEY = "eu-west-1", "us-east-1", "ap-southeast-2"
REPLICA_OF_IRELAND = "AWS_SES_EU_WEST_1"


def deterministic(parent: str) -> dict[str, Any]:
    return {"mode": "Deterministic", "deterministic": {"parentRegion": parent}}


def origins(tenant: Tenant) -> dict[str, str]:
    return {region: found["DkimAttributes"]["SigningAttributesOrigin"] for region, found in tenant.at_ses().items()}


def cnames(tenant: Tenant) -> int:
    return sum(kind == "CNAME" for _, kind in tenant.records())


def regions_of(tenant: Tenant, operation: str) -> list[str]:
    """Where SES did it, in this order."""
    return [call["region"] for call in tenant.calls(operation=operation, identity=tenant.domain, result="ok")]


def test_replicas_come_after_their_parent_share_its_records_and_go_before_it_even_after_a_crash(
    tenant: Tenant, world: World
) -> None:
    identity = tenant.create_ready(IRELAND, VIRGINIA, SYDNEY, dkim=deterministic(IRELAND))

    assert origins(tenant) == {IRELAND: "AWS_SES", VIRGINIA: REPLICA_OF_IRELAND, SYDNEY: REPLICA_OF_IRELAND}
    assert cnames(tenant) == 3
    dkim = [region.dkim for region in identity.status.regions if region.dkim]
    assert {each.tokens for each in dkim} == {dkim[0].tokens}
    assert sorted(each.parent_region or "" for each in dkim) == ["", IRELAND, IRELAND]
    created = regions_of(tenant, "CreateEmailIdentity")
    assert (created[0], sorted(created)) == (IRELAND, sorted([IRELAND, VIRGINIA, SYDNEY]))

    tenant.change(regions=[IRELAND, VIRGINIA])
    tenant.wait(lambda: origins(tenant).keys() == {IRELAND, VIRGINIA}, "the replica to go")
    tenant.ready()
    assert cnames(tenant) == 3

    with tenant.fault("error", operation="DeleteEmailIdentity", region=IRELAND, status=500, code="InternalFailure"):
        tenant.delete()
        tenant.wait(lambda: origins(tenant).keys() == {IRELAND}, "the replica to go")
        world.restart()
        assert cnames(tenant) == 3, "the parent still needs its records"
    tenant.gone()
    assert (tenant.at_ses(), tenant.records()) == ({}, {})
    assert regions_of(tenant, "DeleteEmailIdentity") == [SYDNEY, VIRGINIA, IRELAND], "the parent last"


def test_an_identity_that_is_in_use_is_not_replaced_unasked_and_the_way_to_a_replica_is_told(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    tenant.change(dkim=deterministic(IRELAND))
    explains(tenant, Reason.DKIM_CONFLICT, VIRGINIA, f"remove {VIRGINIA} from spec.regions", "spec.dkim.mode to Easy")
    assert (origins(tenant), cnames(tenant)) == ({IRELAND: "AWS_SES", VIRGINIA: "AWS_SES"}, 6)

    tenant.change(regions=[IRELAND])
    tenant.ready()
    assert origins(tenant) == {IRELAND: "AWS_SES"}
    tenant.change(regions=[IRELAND, VIRGINIA])
    tenant.ready()
    assert origins(tenant) == {IRELAND: "AWS_SES", VIRGINIA: REPLICA_OF_IRELAND}
    tenant.wait(lambda: cnames(tenant) == 3, "the records of the other key to go")

    before = tenant.writes()
    tenant.change(regions=[VIRGINIA], dkim=deterministic(VIRGINIA))
    explains(tenant, Reason.DKIM_CONFLICT, VIRGINIA, f"spec.dkim.deterministic.parentRegion to {IRELAND}")
    assert origins(tenant) == {IRELAND: "AWS_SES", VIRGINIA: REPLICA_OF_IRELAND}, "the parent stays for its replica"
    assert (tenant.writes(), cnames(tenant)) == (before, 3)

    tenant.delete()
    tenant.gone()
    assert (tenant.at_ses(), tenant.records()) == ({}, {})
