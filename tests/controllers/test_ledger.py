"""The ledger in the zone: what it proves, to whom, and what becomes of records if its key changes, is lost or is damaged."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cluster.tenant import ZONE, Tenant
from controllers.deaths import deaths
from controllers.world import World
from devcluster.environment import ACCESS_KEY
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import INVENTORY, LEDGER_KEY_LABEL
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.ledger import digest, ledger_name
from ses_operator.core.dns.zone_sets import ZoneSet

IRELAND = "eu-west-1"
SPEC: dict[str, Any] = {"mailFrom": {"subdomain": "bounce"}, "dmarc": {"policy": "reject"}}


@pytest.fixture
def keeper(world: World, namespace: str) -> Iterator[World]:
    """An operator whose own namespace is the tenant's, so that the Secret with its key is no other test's."""
    world.stop()
    credentials = world.host.environment.secret(f"{namespace}-credentials", ACCESS_KEY)
    credentials["metadata"]["namespace"] = namespace
    world.host.api.apply(f"/api/v1/namespaces/{namespace}/secrets/{namespace}-credentials", credentials)
    keeper = World(world.host, [namespace], [namespace], namespace=namespace, aws_connections=1)
    yield keeper
    keeper.stop()


@pytest.fixture
def owner(keeper: World, tenant: Tenant) -> Tenant:
    """The tenant, reconciled by that operator."""
    return replace(tenant, wait=keeper.until)


def _secret(tenant: Tenant) -> str:
    return f"/api/v1/namespaces/{tenant.namespace}/secrets/ses-operator-ledger-tests"


def _keys(tenant: Tenant) -> dict[str, str]:
    found = tenant.api.get(_secret(tenant))
    assert found is not None
    return dict(found.get("data") or {})


def _key_ids(tenant: Tenant) -> set[str]:
    """The ids of the keys that the lines of the ledger are signed with."""
    lines = tenant.records()[ledger_name(tenant.domain), "TXT"]
    return {line.strip('"').split(" ")[3].partition(":")[0] for line in lines if " " in line}


def _new_key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def _but_for_the_ledger(tenant: Tenant) -> dict[Any, Any]:
    return {key: values for key, values in tenant.records().items() if not key[0].startswith("_ses-operator.")}


def test_a_forged_ledger_deletes_nothing_of_anyone(tenant: Tenant, world: World) -> None:
    """The ledger of a parent domain, written by someone else in the name of the object that is about to come."""
    name = f"{tenant.namespace}-victim"
    tenant.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    world.namespaces.append(name)
    victim = replace(tenant, namespace=name, domain=f"victim.{tenant.domain}")
    victim.create_ready(IRELAND, **SPEC)
    tenant.add_record("www", "CNAME", "shop.example.net")
    tenant.add_record("mail", "MX", "10 feedback-smtp.eu-west-1.amazonses.com")
    tenant.add_record("text", "TXT", '"google-site-verification=1"')
    before = tenant.records()
    lines = [f'"heritage=ses-operator,owner=tests/{tenant.namespace}/mail"']
    for (at, kind), values in before.items():
        if not at.startswith("_ses-operator."):
            ttl = 60 if at.split(".")[0] in ("www", "mail", "text") else 300
            lines.append(f'"{kind} {at}. {digest(ZoneSet(at, kind, ttl, values))} abcd:{"A" * 22}"')
    tenant.add_record("_ses-operator", "TXT", *lines)

    tenant.create_ready(IRELAND)
    said = tenant.identity()
    assert said is not None
    assert said.status.dns is not None
    assert f"CNAME www.{tenant.domain}" in (said.status.dns.unproven_records or ())
    tenant.delete()
    tenant.gone()

    after = tenant.records()
    assert after == before, "all that was there is there, and no more"
    victim.request_reconcile()
    victim.ready()


def test_the_key_is_made_once_and_its_id_is_in_each_line(owner: Tenant, keeper: World) -> None:
    owner.create_ready(IRELAND, **SPEC)
    made = _keys(owner)
    keeper.restart()
    owner.create(IRELAND, name="second", domain=f"second.{owner.domain}")
    owner.ready("second")
    assert _keys(owner) == made
    assert len(_key_ids(owner)) == 1
    found = owner.api.get(_secret(owner))
    assert found is not None
    assert found["metadata"]["labels"][LEDGER_KEY_LABEL] == "true"


def test_a_rotation_signs_again_with_the_next_resync_and_loses_nothing(owner: Tenant, keeper: World) -> None:
    owner.create_ready(IRELAND, **SPEC)
    old, records = _keys(owner)["current"], _but_for_the_ledger(owner)
    before = _key_ids(owner)

    owner.api.patch(_secret(owner), {"data": {"current": _new_key("n"), "previous": old}})
    keeper.restart()
    owner.request_reconcile()
    owner.wait(lambda: _key_ids(owner).isdisjoint(before), "the lines to be signed with the new key")
    owner.api.patch(_secret(owner), {"data": {"previous": None}})
    keeper.restart()

    assert _but_for_the_ledger(owner) == records
    owner.delete()
    owner.gone()
    assert owner.records() == {}


def test_a_rotation_that_is_cut_off_anywhere_goes_on(owner: Tenant, keeper: World) -> None:
    owner.create_ready(IRELAND, **SPEC)
    records = _but_for_the_ledger(owner)
    letters = iter("abcdefghijklmnop")

    def rotate(_: int) -> None:
        old = _keys(owner)["current"]
        owner.api.patch(_secret(owner), {"data": {"current": _new_key(next(letters)), "previous": old}})
        keeper.look()

    def signed(_: int) -> None:
        owner.request_reconcile()
        owner.ready()

    for _ in deaths(keeper, rotate, signed):
        assert _but_for_the_ledger(owner) == records
    owner.delete()
    owner.gone()
    assert owner.records() == {}


def test_a_lost_key_is_replaced_and_the_object_s_inventory_proves_what_is_its(owner: Tenant, keeper: World) -> None:
    owner.create_ready(IRELAND, **SPEC)
    before, records = _key_ids(owner), _but_for_the_ledger(owner)
    owner.api.delete(_secret(owner))
    keeper.restart()

    owner.request_reconcile()

    owner.wait(lambda: _key_ids(owner).isdisjoint(before), "the lines to be signed with the new key")
    found = owner.reconciled()
    assert found.status.dns is not None
    assert found.status.dns.unproven_records is None
    assert _but_for_the_ledger(owner) == records
    owner.delete()
    owner.gone()
    assert owner.records() == {}


def test_where_key_and_inventory_are_lost_nothing_is_deleted_and_status_lists_the_records(
    owner: Tenant, keeper: World
) -> None:
    owner.create_ready(IRELAND, **SPEC)
    records = _but_for_the_ledger(owner)
    owner.api.delete(_secret(owner))
    owner.api.patch(owner.path(), {"metadata": {"annotations": {INVENTORY: None}}})
    keeper.restart()

    owner.request_reconcile()

    listed = owner.wait(lambda: _unproven(owner), "the records to be listed")
    assert listed is not None
    assert set(listed) == {f"{kind} {name}" for name, kind in records}
    assert owner.ready().status.dns is not None
    owner.delete()
    owner.gone()
    assert owner.records() == records
    told = [message for _, reason, message in owner.events() if reason == "RecordsLeft"]
    assert any(f"MX bounce-eu-west-1.{owner.domain}" in message for message in told)


def _unproven(tenant: Tenant) -> tuple[str, ...] | None:
    found = tenant.identity()
    return found.status.dns.unproven_records if found and found.status.dns else None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"current": None}, id="emptied"),
        pytest.param({"current": base64.b64encode(b"short").decode()}, id="too short"),
        pytest.param({"current": base64.b64encode(b" " * 32).decode()}, id="blank"),
        pytest.param({"previous": base64.b64encode(b"short").decode()}, id="the previous one is too short"),
    ],
)
def test_with_a_damaged_key_nothing_is_written_or_deleted_and_the_way_out_is_said(
    owner: Tenant, keeper: World, data: dict[str, str | None]
) -> None:
    owner.create_ready(IRELAND, **SPEC)
    good, records, changes = _keys(owner), owner.records(), owner.record_changes()
    owner.api.patch(_secret(owner), {"data": data})
    keeper.restart()

    owner.change(mailFrom={"subdomain": "other"})

    said = owner.says(ConditionType.DNS_PUBLISHED, "Secret")
    assert f"{owner.namespace}/ses-operator-ledger-tests" in said
    condition = owner.condition(ConditionType.DNS_PUBLISHED)
    assert condition is not None
    assert condition.reason == Reason.LEDGER_KEY_INVALID
    owner.delete()
    owner.waits_for_deletion(Reason.LEDGER_KEY_INVALID)
    assert owner.records() == records
    assert owner.record_changes() == changes

    owner.api.patch(_secret(owner), {"data": {**dict.fromkeys(data), **good}})
    keeper.restart()
    owner.gone()
    assert owner.records() == {}


def test_two_replicas_that_make_the_key_at_once_agree_on_one(owner: Tenant, keeper: World) -> None:
    """The second finds the Secret of the first, which it did not see before."""
    path = _secret(owner)
    body = {
        "metadata": {"name": "ses-operator-ledger-tests", "labels": {}},
        "data": {"current": _new_key("f")},
    }
    owner.api.create(path.rpartition("/")[0], body)  # without the label: a list does not show it
    owner.create_ready(IRELAND)
    assert _keys(owner) == {"current": _new_key("f")}
    assert keeper.namespaces == [owner.namespace]
    assert ZONE in owner.domain
