"""Two replicas of the operator, of which one acts: what AWS sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.proxy import Cut, TcpProxy
from devcluster.waiting import eventually

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
DURATION, DEADLINE = 6.0, 4.0
LEASE = {"lease-duration": DURATION, "lease-renew-deadline": DEADLINE, "lease-retry-period": 0.5}
LONGER_THAN_ANYBODY_WAITS = {"lease-duration": 10 * PATIENCE, "lease-renew-deadline": 5 * PATIENCE}
LEASE_LOST = 2

Start = Callable[..., OperatorProcess]


@pytest.fixture
def start(environment: Environment, tenant: Tenant) -> Iterator[Start]:
    """Starts replicas of one installation; all end with the test, after its identities."""
    started: list[OperatorProcess] = []

    def start_replica(kubernetes_url: str | None = None, lease: Mapping[str, float] | None = None) -> OperatorProcess:
        flags = {**QUICK, **LEASE, **(lease or {})}
        options = OperatorOptions(f"pair-{tenant.namespace}", watch_namespaces=(tenant.namespace,), flags=flags)
        replica = environment.operator(options, kubernetes_url=kubernetes_url)
        replica.start()
        started.append(replica)
        replica.await_ready()
        return replica

    yield start_replica
    for replica in started:
        replica.kill()


def leads(replica: OperatorProcess) -> bool:
    return "lease acquired" in replica.log


def lead(replica: OperatorProcess) -> None:
    eventually(lambda: leads(replica), timeout=PATIENCE, of=f"{replica.process.name} to lead")


def test_one_acts_and_the_other_stands_by(tenant: Tenant, start: Start) -> None:
    leader = start()
    lead(leader)
    standby = start()

    tenant.create_ready(IRELAND, VIRGINIA)

    creations = tenant.calls(operation="CreateEmailIdentity", identity=tenant.domain)
    assert len(creations) == 2
    assert not leads(standby)


def test_the_other_goes_on_at_once_when_the_leader_is_stopped(tenant: Tenant, start: Start) -> None:
    leader = start(lease=LONGER_THAN_ANYBODY_WAITS)
    lead(leader)
    standby = start(lease=LONGER_THAN_ANYBODY_WAITS)
    tenant.create(IRELAND, VIRGINIA)

    assert leader.terminate() == 0

    lead(standby)
    tenant.ready()


def test_the_other_finishes_what_a_killed_leader_began(tenant: Tenant, start: Start) -> None:
    leader = start()
    lead(leader)
    standby = start()
    tenant.create(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    eventually(tenant.at_ses, timeout=PATIENCE, of="the first region at SES")

    leader.kill()

    tenant.ready()
    assert leads(standby)
    made = tenant.calls(operation="CreateEmailIdentity", identity=tenant.domain, result="ok")
    assert sorted(call["region"] for call in made) == [IRELAND, VIRGINIA]


@pytest.mark.parametrize("cut", Cut, ids=lambda cut: cut.name.lower())
def test_a_leader_cut_off_from_the_apiserver_asks_nothing_more_of_aws(tenant: Tenant, start: Start, cut: Cut) -> None:
    """Its calls are told from those of the other by the key: a leader that is cut off never hears of the new one."""
    environment, own = tenant.environment, replace(tenant, account=tenant.namespace)
    before, after = (f"AKIA{word}{tenant.namespace}" for word in ("BEFORE", "AFTER"))
    environment.add_account(own.account)
    _give_key(own, before)
    with TcpProxy(environment.plane.port) as proxy:
        leader = start(kubernetes_url=proxy.url)
        lead(leader)
        own.create(IRELAND, dns={"provider": "Manual"})  # pending for ever: SES is asked twice a second
        eventually(lambda: len(_calls_with(own, before)) > 2, timeout=PATIENCE, of="calls to SES")
        standby = start()

        proxy.cut(cut)
        _give_key(own, after)
        eventually(lambda: not leader.process.running, timeout=PATIENCE, of="the leader to end")
        lead(standby)
        eventually(lambda: _calls_with(own, after), timeout=PATIENCE, of="calls of the other")

    assert leader.terminate() == LEASE_LOST
    assert max(_calls_with(own, before)) < min(_calls_with(own, after))
    own.delete()
    own.gone()
    own.api.delete(f"{ACCOUNTS}/{own.account}")


def _give_key(tenant: Tenant, key_id: str) -> None:
    environment = tenant.environment
    environment.kubectl.apply(environment.secret(f"{tenant.account}-credentials", key_id))


def _calls_with(tenant: Tenant, key_id: str) -> list[int]:
    """The numbers of the calls that were made with this key."""
    return [call["number"] for call in tenant.calls() if call["accessKey"] == key_id]
