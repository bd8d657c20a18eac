"""What the tests of this folder stand on: time that jumps, an operator that is killed and followed by another."""

from __future__ import annotations

import time
from itertools import count

import pytest

from cluster.tenant import Tenant
from controllers.world import World
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def test_a_day_passes_at_once_and_the_identity_is_read_in_full(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND)
    begun, since = time.monotonic(), tenant.last_call()

    world.pass_time(hours=25)

    assert time.monotonic() - begun < 60
    assert tenant.calls(operation="GetEmailIdentity", identity=tenant.domain, since=since)


def test_what_does_not_come_is_named(tenant: Tenant, world: World) -> None:
    tenant.create(IRELAND)

    with pytest.raises(TimeoutError, match="for pigs to fly"):
        world.until(lambda: False, "pigs to fly", horizon=600)


def test_a_reconcile_is_made_at_once_and_says_when_to_look_again(tenant: Tenant, world: World) -> None:
    tenant.create(IRELAND)

    result = world.reconcile("mail")

    assert result.requeue_after is not None
    assert tenant.not_ready(Reason.WAITING_FOR_VERIFICATION)


def test_an_operator_that_is_killed_after_any_write_is_followed_by_one_that_ends_where_it_would_have(
    tenant: Tenant, world: World
) -> None:
    for writes in count():
        with world.killed_after(writes) as died:
            tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
        if not died():
            break
        world.restart()
        tenant.ready()
        assert sorted(tenant.at_ses()) == [IRELAND, VIRGINIA]
        assert len(tenant.records()) == 2 * (3 + 2) + 1
        tenant.delete()
        tenant.gone()
        assert (tenant.at_ses(), tenant.records()) == ({}, {})
    assert writes >= 8, "finalizer, two identities, two MAIL FROM domains, records, status"
