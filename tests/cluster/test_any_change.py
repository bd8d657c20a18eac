"""Any spec becomes any other, with the operator killed at any write in between, and nothing of the first is left.

What stands in the end is compared with an identity that has always been so, and what others have beside it with what they
had before. Zones are delegated, and old places given up, as status asks a person to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest

from cluster.conftest import QUICK
from cluster.feedback import ensure_configuration_set, topics
from cluster.specs import (
    ALWAYS_SET,
    CONFIGURATION_SETS,
    ELSEWHERE,
    ENDPOINT_LABELS,
    MEMBERS,
    PLACES,
    REGIONS,
    SELECTORS,
    ZONES,
    Change,
    Spec,
    changes,
    merge_patch,
    tries,
    zone_of,
)
from cluster.tenant import PATIENCE, Tenant, tags
from cluster.test_byodkim import add_secret
from cluster.zone_watch import ZoneWatch
from devcluster.apiclient import ACCOUNTS
from devcluster.crash_proxy import CrashProxy, Moment
from devcluster.environment import Environment
from devcluster.externaldns import ExternalDns, Settings, dnsendpoint_crd
from devcluster.kubectl import Kubectl
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.meta import INVENTORY, WITHDRAW_FROM
from ses_operator.api.identity.kind import SesIdentity, SesIdentitySpec
from ses_operator.api.identity.status import RecordStatus
from ses_operator.core.dns.migration import Pending
from ses_operator.core.features.dkim_keys import new_key

CHANGES = changes(7)

AT_SES = (
    "VerificationStatus", "MailFromAttributes", "ConfigurationSetName", "FeedbackForwardingStatus", "Policies",
)  # fmt: skip
OF_DKIM = "SigningEnabled", "SigningAttributesOrigin", "Tokens", "Status"


@dataclass
class Stage:
    """A tenant with two zones of one name, an ExternalDNS for one of them, and an operator that can be killed."""

    tenant: Tenant
    zones: dict[str, str]
    operator: OperatorProcess
    crash_proxy: CrashProxy
    watch: ZoneWatch
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def parent(self) -> str:
        return f"{self.tenant.namespace}.example.net"

    def identity(self, name: str) -> Tenant:
        """The tenant with the domain of this identity."""
        return replace(self.tenant, domain=f"{name}.{self.parent}")

    def create(self, name: str, spec: Spec) -> None:
        self.delegate(zone_of(spec))
        self.identity(name).create(*spec["regions"], name=name, **{k: v for k, v in spec.items() if k != "regions"})

    def delegate(self, zone: str) -> None:
        """The parent's NS records name the servers of this zone."""
        self.tenant.environment.sandbox.ask("dns/delegation", {"hostedZoneId": self.zones[zone]})

    def await_done(self, name: str, spec: Spec) -> None:
        """Waits until all is as asked, and does what a person is asked to do in status."""
        asked: set[str] = set()

        def done() -> bool:
            identity = self.tenant.identity(name)
            if identity is None or identity.status.observed_generation != identity.metadata.generation:
                return False
            dns = identity.status.dns
            if dns is None or not dns.former_places:
                return _is_done(identity)
            if "delegated" not in asked and self._has_all(self.zones[zone_of(spec)], dns.records):
                asked.add("delegated")
                self.delegate(zone_of(spec))
                self.tenant.request_reconcile(name)
            for place in dns.former_places:
                waits = WITHDRAW_FROM in place.message or place.reason == Pending.CACHED_DELEGATION
                if place.place not in asked and waits:
                    asked.add(place.place)
                    self.tenant.annotate(WITHDRAW_FROM, place.place, name)
            return False

        eventually(done, timeout=2 * PATIENCE, of=f"{name} to be as asked")

    def _has_all(self, zone_id: str, records: Sequence[RecordStatus]) -> bool:
        found = self.watch.contents(zone_id)
        return all((record.name, record.type) in found for record in records)

    def change(self, name: str, change: Change) -> None:
        """Applies a change of the spec, and kills the operator at that write of what follows."""
        arm = self.crash_proxy.kill_before if change.moment is Moment.BEFORE else self.crash_proxy.kill_after
        arm(change.write, self.operator.kill)
        self.tenant.change(name, **merge_patch(change.first, change.second))
        fallen = self.crash_proxy.fallen
        eventually(
            lambda: fallen.is_set() or self._is_current(name), timeout=PATIENCE, of=f"write {change.write} or the end"
        )
        self.crash_proxy.disarm()
        if not self.operator.process.running:
            self.tenant.environment.revive(self.operator)

    def _is_current(self, name: str) -> bool:
        identity = self.tenant.identity(name)
        return (
            identity is not None
            and identity.status.observed_generation == identity.metadata.generation
            and _is_done(identity)
        )

    def world(self, name: str) -> Any:
        """All that an identity has left in the world, without its name and its tokens."""
        tenant = self.identity(name)
        at_ses = tenant.at_ses()
        identity = self.tenant.identity(name)
        text = json.dumps(
            {
                "ses": {
                    region: {member: found.get(member) for member in AT_SES}
                    | {"dkim": [found["DkimAttributes"][member] for member in OF_DKIM]}
                    | {"tags": tags(found), "topics": topics(tenant, region)}
                    for region, found in at_ses.items()
                },
                "zones": {zone: self._records(zone, name) for zone in ZONES},
                "endpoint": self.tenant.endpoints(name),
                "inventory": identity.metadata.annotations[INVENTORY] if identity else None,
            }
        )
        for token in _tokens_of_ses(at_ses):
            text = text.replace(token, "token")
        world = json.loads(text.replace(name, "it"))
        world["zones"] = {zone: sorted(records) for zone, records in world["zones"].items()}
        world["endpoint"] = sorted(world["endpoint"], key=json.dumps)
        return world

    def _records(self, zone: str, name: str) -> list[Any]:
        """The record sets of the identity's domain; of the ledger only what it names, without the digests."""
        found = self.watch.contents(self.zones[zone])
        return [
            [
                at,
                kind,
                sorted(value.rpartition(" ")[0] if at.startswith("_ses-operator.") else value for value in values),
            ]
            for (at, kind), values in found.items()
            if at.endswith(f"{name}.{self.parent}") and "heritage=external-dns" not in values[0]
        ]

    def await_alike(self, one: str, other: str) -> None:
        """Waits until two identities have left the same in the world: what is over with goes after that is said."""
        with suppress(TimeoutError):
            eventually(lambda: self.world(one) == self.world(other), timeout=PATIENCE, of="both to be alike")
        assert self.world(one) == self.world(other)

    def await_nothing_left(self, name: str) -> None:
        """Waits until nothing of a deleted identity is left; ExternalDNS has its own pace."""

        def is_gone() -> bool:
            world = self.world(name)
            return not world["ses"] and not any(world["zones"].values()) and not world["endpoint"]

        eventually(is_gone, timeout=PATIENCE, of=f"nothing of {name} to be left")

    def others(self) -> Any:
        """What is somebody else's: an identity at SES, and a record in each zone."""
        theirs = f"others.{self.parent}"
        records = {zone: self.watch.contents(zone_id).get((theirs, "TXT")) for zone, zone_id in self.zones.items()}
        at_ses = self.tenant.at_ses(theirs)
        return records, {region: [found.get(member) for member in AT_SES] for region, found in at_ses.items()}


def _tokens_of_ses(at_ses: Mapping[str, Any]) -> set[str]:
    """The DKIM tokens that SES has chosen; of a key of one's own, the token is its selector."""
    dkim = [found["DkimAttributes"] for found in at_ses.values()]
    return {token for found in dkim if found["SigningAttributesOrigin"] != "EXTERNAL" for token in found["Tokens"]}


def _is_done(identity: SesIdentity) -> bool:
    ready, published = (
        find(identity.status.conditions, kind) for kind in (ConditionType.READY, ConditionType.DNS_PUBLISHED)
    )
    return ready is not None and ready.is_true and published is not None and published.is_true


@pytest.fixture
def stage(environment: Environment, tenant: Tenant, kubectl: Kubectl, tmp_path: Path) -> Iterator[Stage]:
    kubectl.apply(dnsendpoint_crd())
    kubectl.await_kinds("crd/dnsendpoints.externaldns.k8s.io")
    parent, account = f"{tenant.namespace}.example.net", tenant.namespace
    zones = {name: _zone(tenant, parent, name) for name in ZONES}
    for region in REGIONS:
        for name in CONFIGURATION_SETS:
            ensure_configuration_set(tenant, region, name)
    for selector in SELECTORS:
        add_secret(tenant, selector, new_key())
    tenant.ses(REGIONS[0]).create_email_identity(EmailIdentity=f"others.{parent}", Tags=[{"Key": "team", "Value": "x"}])
    options = OperatorOptions(account, watch_namespaces=(tenant.namespace,), flags=QUICK)
    labels = ",".join(f"{key}={value}" for key, value in ENDPOINT_LABELS.items())
    external = Settings(
        owner_id=account,
        arguments=[
            f"--namespace={tenant.namespace}", f"--domain-filter={parent}", f"--zone-id-filter={zones[ZONES[0]]}",
            f"--label-filter={labels}",
        ],
    )  # fmt: skip
    log = tmp_path / "external-dns.log"
    with (
        CrashProxy(environment.sandbox.aws_url, environment.plane) as crash_proxy,
        ExternalDns(environment.plane.kubeconfig, environment.sandbox.aws_url, external, log=log),
    ):
        entries = [{"name": name, "hostedZoneID": zone_id} for name, zone_id in zones.items()]
        environment.add_account(account, aws_url=crash_proxy.aws_url, zones=entries)
        with environment.operator(options, kubernetes_url=crash_proxy.kubernetes_url) as operator:
            watch = ZoneWatch(environment.sandbox, tenant.route53, zones, zones[ZONES[0]])
            yield Stage(replace(tenant, account=account), zones, operator, crash_proxy, watch)
            tenant.api.delete(f"{ACCOUNTS}/{account}")


def _zone(tenant: Tenant, name: str, reference: str) -> str:
    """A hosted zone with a record of somebody else's; its id."""
    created = tenant.route53.create_hosted_zone(Name=name, CallerReference=f"{name} {reference}")
    zone_id = created["HostedZone"]["Id"].rpartition("/")[2]
    record: Any = {
        "Name": f"others.{name}", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": f'"{reference}"'}],
    }  # fmt: skip
    changes: Any = [{"Action": "CREATE", "ResourceRecordSet": record}]
    tenant.route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
    return zone_id


def test_every_member_of_the_spec_is_among_those_that_change() -> None:
    fields = {field.alias or name for name, field in SesIdentitySpec.model_fields.items()}
    assert fields - ALWAYS_SET - ELSEWHERE == MEMBERS.keys()


def test_the_changes_that_are_tried_leave_out_no_move_no_member_and_no_change_of_key() -> None:
    tried = {what for change in CHANGES for what in tries(change)}
    modes = {("Easy", "Deterministic"), ("Easy", "BYODKIM"), ("Deterministic", "BYODKIM")}
    keys = {("key", *pair) for pair in modes} | {("key", *reversed(pair)) for pair in modes}
    moves = {("place", *pair) for pair in permutations(PLACES, 2)}
    members = {(name, becomes) for name in MEMBERS for becomes in ("set", "changed", "removed")}
    assert moves | keys | members | {("key", "BYODKIM", "BYODKIM")} <= tried


def test_any_spec_becomes_any_other_from_any_crash_in_between(stage: Stage) -> None:
    for change in CHANGES:
        try:
            _changes_as_one_that_was_always_so(stage, change)
        except BaseException as error:
            error.add_note(f"on the way of {change}")
            raise


def _changes_as_one_that_was_always_so(stage: Stage, change: Change) -> None:
    serial = next(stage.numbers)
    it, always_so = f"changing{serial}", f"constant{serial}"
    others = stage.others()
    stage.create(it, change.first)
    stage.await_done(it, change.first)

    stage.change(it, change)
    stage.await_done(it, change.second)

    stage.create(always_so, change.second)
    stage.await_done(always_so, change.second)
    stage.await_alike(it, always_so)
    for name in (it, always_so):
        stage.tenant.delete(name)
    for name in (it, always_so):
        stage.tenant.gone(name)
        stage.await_nothing_left(name)
    assert stage.others() == others
