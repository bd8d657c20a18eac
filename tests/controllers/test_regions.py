"""Regions that do not exist, do not answer, or answer badly: the others go on, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.tenant import Tenant, tags
from cluster.verdicts import explains
from controllers.world import World
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"
STOCKHOLM, MILAN, TOKYO, OSAKA = "eu-north-1", "eu-south-1", "ap-northeast-1", "ap-northeast-3"
MAIL_FROM = {"subdomain": "bounce"}


def test_a_region_that_does_not_exist_is_named_and_the_others_are_verified(tenant: Tenant) -> None:
    tenant.create(IRELAND, "eu-nowhere-7")

    tenant.verified("1/2")

    explains(tenant, Reason.REGION_NOT_SUPPORTED, "eu-nowhere-7", "Remove it from spec.regions")
    tenant.change(regions=[IRELAND])
    tenant.ready()


def test_an_identity_with_a_region_that_does_not_exist_can_be_deleted(tenant: Tenant) -> None:
    tenant.create(IRELAND, "eu-nowhere-8")
    tenant.verified("1/2")

    tenant.delete()
    tenant.gone()

    assert tenant.at_ses() == {}
    assert tenant.records() == {}


def test_a_region_that_does_not_answer_holds_nobody_up_and_heals_by_itself(tenant: Tenant) -> None:
    with tenant.fault("region-down", region=STOCKHOLM):
        tenant.create(IRELAND, STOCKHOLM)

        tenant.verified("1/2")

        explains(tenant, Reason.REGION_UNREACHABLE, STOCKHOLM)

    assert tenant.ready().status.verified_regions == "2/2"


def test_a_restart_while_a_region_is_out_calls_no_verified_identity_unready(tenant: Tenant, world: World) -> None:
    ready = tenant.create_ready(IRELAND, MILAN, mailFrom=MAIL_FROM)
    world.stop()
    begun = tenant.last_call()
    mark = tenant.environment.plane.audit.mark()
    with tenant.fault("region-down", region=MILAN):
        world.start()
        tenant.wait(lambda: _tries(tenant, MILAN, begun) >= 2, "the region to be asked again")
        still = tenant.identity()

    assert still is not None
    assert still.status == ready.status
    writes = tenant.environment.plane.audit.writes(since=mark)
    assert [write for write in writes if write.namespace == tenant.namespace and write.name == "mail"] == []


def test_who_asks_for_a_look_while_a_region_is_silent_is_answered_and_the_look_is_made_up_for(tenant: Tenant) -> None:
    ready = tenant.create_ready(IRELAND)
    with tenant.fault("region-down", region=IRELAND):
        handled = tenant.reconciled()
        assert handled.status.conditions == ready.status.conditions
        answered = tenant.last_call()

    tenant.wait(
        lambda: tenant.calls(operation="GetEmailIdentity", identity=tenant.domain, since=answered, result="ok"),
        "the identity to be read in full",
    )


def test_it_converges_while_another_client_uses_up_the_request_rate(tenant: Tenant) -> None:
    with tenant.fault("throttle", service="ses", region=TOKYO, probability=0.5):
        tenant.create_ready(TOKYO, mailFrom=MAIL_FROM)

    throttled = [call for call in tenant.calls(region=TOKYO) if call["error"] == "TooManyRequestsException"]
    assert throttled, "it was throttled"


@dataclass(frozen=True)
class Mishap:
    """What happens to the first call of an operation."""

    name: str
    kind: str
    settings: dict[str, Any]


MISHAPS = (
    Mishap("its answer is lost", "lost-response", {}),
    Mishap("SES fails", "error", {"status": 500, "code": "InternalServiceErrorException"}),
)
CREATION = ("CreateEmailIdentity", "PutEmailIdentityMailFromAttributes")


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
@pytest.mark.parametrize("operation", CREATION)
def test_a_creation_that_goes_wrong_is_completed_and_nothing_is_doubled(
    tenant: Tenant, operation: str, mishap: Mishap
) -> None:
    with _mishap(tenant, mishap, operation, tenant.domain):
        tenant.create_ready(IRELAND, mailFrom=MAIL_FROM, tags={"team": "payments"})

    identity = tenant.at_ses()[IRELAND]
    assert tags(identity) == {"team": "payments", OWNER_TAG: f"tests/{tenant.namespace}/mail"}
    assert identity["MailFromAttributes"]["MailFromDomain"] == f"bounce-{IRELAND}.{tenant.domain}"
    assert len(tenant.records()) == 3 + 2 + 1
    created = [call for call in tenant.calls(operation="CreateEmailIdentity", identity=tenant.domain) if _worked(call)]
    assert len(created) == 1


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_a_tag_that_goes_wrong_is_set(tenant: Tenant, mishap: Mishap) -> None:
    tenant.create_ready(IRELAND)

    with _mishap(tenant, mishap, "TagResource", tenant.domain):
        tenant.change(tags={"team": "payments"})
        tenant.ready()

    assert tags(tenant.at_ses()[IRELAND])["team"] == "payments"


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_a_change_of_records_that_goes_wrong_is_made_once(tenant: Tenant, mishap: Mishap) -> None:
    zone_id = tenant.environment.sandbox.zones["example.com"]
    with _mishap(tenant, mishap, "ChangeResourceRecordSets", zone_id):
        tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)

    assert len(tenant.records()) == 3 + 2 + 1
    tenant.delete()
    tenant.gone()
    assert tenant.records() == {}, "all of them were known as ours"


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
@pytest.mark.parametrize("operation", ["DeleteEmailIdentity", "ChangeResourceRecordSets"])
def test_a_deletion_that_goes_wrong_is_completed(tenant: Tenant, operation: str, mishap: Mishap) -> None:
    tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)
    subject = tenant.domain if operation == "DeleteEmailIdentity" else tenant.environment.sandbox.zones["example.com"]

    with _mishap(tenant, mishap, operation, subject):
        tenant.delete()
        tenant.gone()

    assert tenant.at_ses() == {}
    assert tenant.records() == {}


@contextmanager
def _mishap(tenant: Tenant, mishap: Mishap, operation: str, subject: str) -> Iterator[None]:
    """The first call of `operation` on `subject` within the block meets the mishap."""
    begun = tenant.last_call()
    with tenant.fault(mishap.kind, operation=operation, identity=subject, times=1, **mishap.settings):
        yield
    calls = tenant.calls(operation=operation, identity=subject, since=begun)
    assert any(call["lost"] or call["error"] for call in calls), "it has met the mishap"


def _worked(call: dict[str, Any]) -> bool:
    return bool(call["status"] < 300 or call["lost"])


def _tries(tenant: Tenant, region: str, since: int) -> int:
    return len(tenant.calls(region=region, operation="ListEmailIdentities", since=since))
