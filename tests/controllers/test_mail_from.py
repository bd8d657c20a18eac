"""MAIL FROM domains on their way from one name to another: what SES uses has its one MX at every moment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from cluster.tenant import ZONE, Tenant
from cluster.zone_watch import ZoneWatch
from controllers.world import World
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
SET = "PutEmailIdentityMailFromAttributes"


def exchanges(tenant: Tenant) -> Mapping[str, tuple[str, ...]]:
    """The values of each MX record, by its first label."""
    return {name.split(".")[0]: values for (name, kind), values in tenant.records().items() if kind == "MX"}


def mx(region: str) -> tuple[str, ...]:
    return (f"10 feedback-smtp.{region}.amazonses.com",)


def names_at_ses(tenant: Tenant) -> dict[str, Any]:
    return {region: found["MailFromAttributes"].get("MailFromDomain") for region, found in tenant.at_ses().items()}


def moved(tenant: Tenant, label: str) -> None:
    """Waits until SES has verified this name in every region, and the object says so."""
    name = f"{label}.{tenant.domain}"
    tenant.wait(lambda: set(names_at_ses(tenant).values()) == {name}, f"SES to have {name}")
    tenant.request_reconcile()
    tenant.ready()


def test_a_name_for_each_region_becomes_one_for_all_whose_mx_follows_the_first_region(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    assert exchanges(tenant) == {f"bounce-{region}": mx(region) for region in (IRELAND, VIRGINIA)}
    before = tenant.last_call()

    with tenant.refusing(SET):
        tenant.change(mailFrom={"subdomain": "bounce", "scope": "Shared"})
        tenant.not_ready(Reason.ACCESS_DENIED)
        assert exchanges(tenant) == {
            "bounce": mx(IRELAND),
            f"bounce-{IRELAND}": mx(IRELAND),
            f"bounce-{VIRGINIA}": mx(VIRGINIA),
        }, "the new name is there, and SES still has the old ones"
    moved(tenant, "bounce")

    calls = [call["operation"] for call in tenant.calls(since=before)]
    assert calls.index("ChangeResourceRecordSets") < calls.index(SET)
    tenant.wait(lambda: exchanges(tenant) == {"bounce": mx(IRELAND)}, "the old records to go")

    zones = tenant.environment.sandbox.zones
    watched = ZoneWatch(tenant.environment.sandbox, tenant.route53, zones, zones[ZONE])
    tenant.change(regions=[VIRGINIA])
    tenant.wait(lambda: exchanges(tenant) == {"bounce": mx(VIRGINIA)}, "the MX of the next region")
    tenant.ready()
    assert names_at_ses(tenant) == {VIRGINIA: f"bounce.{tenant.domain}"}
    told = watched.answers(f"bounce.{tenant.domain}", "MX")
    assert told in ([mx(IRELAND), mx(VIRGINIA)], [mx(VIRGINIA)]), "one at every moment"


def test_records_stay_until_ses_has_let_go_of_a_name_that_is_switched_off(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, mailFrom={"subdomain": "bounce"})
    with tenant.refusing(SET):
        tenant.change(mailFrom=None)
        tenant.not_ready(Reason.ACCESS_DENIED)
        assert exchanges(tenant) == {f"bounce-{IRELAND}": mx(IRELAND)}

    tenant.ready()
    assert names_at_ses(tenant) == {IRELAND: None}
    tenant.wait(lambda: exchanges(tenant) == {}, "the records to go")


@pytest.mark.parametrize("refused_besides", [False, True], ids=["all else is well", "a policy is refused for hours"])
def test_a_name_that_is_new_on_an_old_identity_is_ready_soon_after_ses_says_so(
    tenant: Tenant, world: World, refused_besides: bool
) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{**DENY, "Action": "ses:SendEmail"}]}
    with tenant.refusing("CreateEmailIdentityPolicy"):
        if refused_besides:
            tenant.create(IRELAND, policies=[{"name": "audit", "document": policy}])
            tenant.not_ready(Reason.ACCESS_DENIED)
        else:
            tenant.create_ready(IRELAND)
        world.pass_time(hours=24 * 30)
        world.pass_time(hours=6)
        with tenant.fault("dns", rcode="SERVFAIL", suffix=f"bounce-{IRELAND}.{tenant.domain}"):
            tenant.change(mailFrom={"subdomain": "bounce"})
            tenant.wait(lambda: names_at_ses(tenant)[IRELAND] is not None, "SES to have the name")
            until(world, world.host.loop.time() + 35)
        tenant.environment.sandbox.ask("state/check", {})
        assert tenant.at_ses()[IRELAND]["MailFromAttributes"]["MailFromDomainStatus"] == "SUCCESS"
        said = world.host.loop.time()

        tenant.wait(lambda: is_seen(tenant), "status to have it")
        assert world.host.loop.time() - said <= 20


DENY = {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}}


def until(world: World, moment: float) -> None:
    """Lets time pass until then, as an operator sees it that is woken when something is due."""
    with suppress(TimeoutError):
        world.until(lambda: False, "nothing", horizon=moment - world.host.loop.time())


def is_seen(tenant: Tenant) -> bool:
    condition = tenant.condition(ConditionType.MAIL_FROM_VERIFIED)
    return condition is not None and condition.is_true
