"""Two replicas of the operator, of which one acts: what AWS sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.proxy import Cut, TcpProxy
from devcluster.waiting import eventually

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
DURATION, DEADLINE = 6.0, 4.0
LEASE = {"lease-duration": DURATION, "lease-renew-deadline": DEADLINE, "lease-retry-period": 0.5}
LEASE_LOST = 2

Start = Callable[..., OperatorProcess]


@pytest.fixture
def start(environment: Environment, tenant: Tenant) -> Iterator[Start]:
    """Starts replicas of one installation; all end with the test, after its identities."""
    started: list[OperatorProcess] = []
    options = OperatorOptions(f"pair-{tenant.namespace}", watch_namespaces=(tenant.namespace,), flags=QUICK | LEASE)

    def start_replica(kubernetes_url: str | None = None) -> OperatorProcess:
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
    leader = start()
    lead(leader)
    standby = start()
    tenant.create(IRELAND, VIRGINIA)

    assert leader.terminate() == 0

    eventually(lambda: leads(standby), timeout=DURATION / 2, of="the lease, which was given up")
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
    with TcpProxy(tenant.environment.plane.port) as proxy:
        leader = start(kubernetes_url=proxy.url)
        lead(leader)
        tenant.create(IRELAND, dns={"provider": "Manual"})  # pending for ever: SES is asked twice a second
        eventually(lambda: len(tenant.calls(operation="ListEmailIdentities")) > 2, timeout=PATIENCE, of="calls to SES")
        standby = start()

        proxy.cut(cut)
        cut_at = datetime.fromisoformat(tenant.environment.sandbox.ask("clock")["now"])
        eventually(lambda: not leader.process.running, timeout=PATIENCE, of="the leader to end")
        last = tenant.calls()[-1]["number"]
        lead(standby)

    assert leader.terminate() == LEASE_LOST
    before_takeover = [call for call in tenant.calls() if call["number"] <= last]
    allowed = timedelta(seconds=DEADLINE) * tenant.environment.sandbox.options.speed
    assert datetime.fromisoformat(before_takeover[-1]["at"]) <= cut_at + allowed
