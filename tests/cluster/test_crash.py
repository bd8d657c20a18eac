"""The operator is killed before and after each of its writes to Kubernetes and AWS, and the next one ends where it would have.

Three things happen in the life of an identity: it is applied, its regions and tags change, it is deleted. In life number n
the operator is killed at its n-th write of each of the three, and started again; lives go on until n is more than any of
them needs. What stands in the end is compared with a life in which nobody was killed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Records, Tenant, tags
from devcluster.apiclient import ACCOUNTS
from devcluster.crash_proxy import CrashProxy, Moment
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import INVENTORY

IRELAND, VIRGINIA, SYDNEY = "eu-west-1", "us-east-1", "ap-southeast-2"
APPLIED_IN = (IRELAND, VIRGINIA)
APPLIED: dict[str, Any] = {"mailFrom": {"subdomain": "bounce"}, "tags": {"team": "a"}}
CHANGED: dict[str, Any] = {"regions": [VIRGINIA, SYDNEY], "tags": {"team": "b", "stage": "live"}}


@dataclass(frozen=True)
class World:
    """All that an identity leaves in the world, apart from times. `inventory` None: the object does not exist."""

    ses: dict[str, Any]
    records: Records
    inventory: str | None
    ready: bool


@dataclass
class Lives:
    """Lives of one identity, one after the other, under an operator that can be killed."""

    tenant: Tenant
    operator: OperatorProcess
    crash_proxy: CrashProxy
    deaths: list[str] = field(default_factory=list)
    """The writes at which it was killed, in words."""

    def live(self, number: int, moment: Moment) -> Iterator[tuple[str, World, bool]]:
        """One life. What each event led to, and whether the operator was killed on the way."""
        begun = self.tenant.calls()[-1]["number"] if self.tenant.calls(limit=1) else 0
        for name, event, is_over in self._events():
            fell = self._through(number, moment, event, is_over)
            yield name, self.world(), fell
        made = self.tenant.calls(since=begun, operation="CreateEmailIdentity", identity=self.tenant.domain, result="ok")
        assert sorted(call["region"] for call in made) == sorted([IRELAND, VIRGINIA, SYDNEY]), "nothing is made twice"

    def _events(self) -> Iterator[tuple[str, Callable[[], None], Callable[[], bool]]]:
        yield "applied", lambda: self.tenant.create(*APPLIED_IN, **APPLIED), self._is_ready
        yield "changed", lambda: self.tenant.change(**CHANGED), self._is_ready
        yield "deleted", self.tenant.delete, lambda: self.tenant.identity() is None

    def _through(self, number: int, moment: Moment, event: Callable[[], None], is_over: Callable[[], bool]) -> bool:
        arm = self.crash_proxy.kill_before if moment is Moment.BEFORE else self.crash_proxy.kill_after
        arm(number, self.operator.kill)
        event()
        fallen = self.crash_proxy.fallen
        eventually(lambda: fallen.is_set() or is_over(), timeout=PATIENCE, of=f"write {number} or the end")
        if fallen.is_set():
            self.deaths.append(self.crash_proxy.writes[number - 1].what)
            self._raise()
        eventually(is_over, timeout=PATIENCE, of="what was begun to be finished")
        fell = self.crash_proxy.disarm()
        if not self.operator.process.running:  # killed at a write that came after the end
            self._raise()
        return fell

    def _raise(self) -> None:
        self.tenant.environment.revive(self.operator)

    def _is_ready(self) -> bool:
        condition = self.tenant.condition(ConditionType.READY)
        return condition is not None and condition.is_true

    def stands(self, expected: World) -> Callable[[], bool]:
        """Whether the world is as expected; for `eventually`."""
        return lambda: self.world() == expected

    def world(self) -> World:
        identity = self.tenant.identity()
        return World(
            ses={region: _essence(found) for region, found in self.tenant.at_ses().items()},
            records=self.tenant.records(),
            inventory=identity.metadata.annotations[INVENTORY] if identity else None,
            ready=identity is not None and self._is_ready(),
        )


def _essence(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": tags(found),
        "verification": found["VerificationStatus"],
        "dkim": (found["DkimAttributes"]["Status"], found["DkimAttributes"]["SigningEnabled"]),
        "mail from": found["MailFromAttributes"],
    }


@pytest.fixture
def lives(environment: Environment, tenant: Tenant) -> Iterator[Lives]:
    account = installation = f"crash-{tenant.namespace}"
    options = OperatorOptions(installation, watch_namespaces=(tenant.namespace,), flags=QUICK)
    with CrashProxy(environment.sandbox.aws_url, environment.plane) as crash_proxy:
        environment.add_account(account, aws_url=crash_proxy.aws_url)
        killable = Tenant(environment, tenant.api, tenant.namespace, account=account)
        with environment.operator(options, kubernetes_url=crash_proxy.kubernetes_url) as operator:
            yield Lives(killable, operator, crash_proxy)
            tenant.api.delete(f"{ACCOUNTS}/{account}")


@pytest.mark.parametrize("first", [1, 2], ids=["odd", "even"])
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.value)
def test_killed_at_every_write_it_ends_where_it_would_have(lives: Lives, moment: Moment, first: int) -> None:
    never = 10_000
    expected = {name: world for name, world, _ in lives.live(never, moment)}
    assert expected["deleted"] == World({}, {}, None, ready=False)

    for number in itertools.count(first, 2):
        fell = False
        for name, world, died in lives.live(number, moment):
            fell = fell or died
            if world != expected[name]:  # it is tidied up after Ready was said
                eventually(lives.stands(expected[name]), timeout=PATIENCE, of=f"{expected[name]}, and not {world}")
        if not fell:
            break
    assert any("sesidentities" in death for death in lives.deaths)
    assert any("EmailIdentity" in death for death in lives.deaths)
