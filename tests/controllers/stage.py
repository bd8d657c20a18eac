"""A tenant with two hosted zones of one name, what others have beside it, and an operator that can be killed at any write."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

from cluster.tenant import Tenant, tags
from controllers.publisher import EndpointPublisher, contents
from controllers.specs import CONFIGURATION_SETS, ENDPOINT_LABELS, REGIONS, SELECTORS, ZONES, Spec, merge_patch, zone_of
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.meta import INVENTORY, OWNER_TAG, WATCH_LABEL, WITHDRAW_FROM
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.dns.migration import Pending
from ses_operator.core.features.keys.dkim_keys import MIN_BITS
from ses_operator.core.features.marks import has_mark
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.state.inventory import DNS_ENDPOINT_PLACE, ROUTE53_PLACE, Inventory

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

NAME = "mail"
VOLATILE = frozenset({"timers", "VerificationInfo", "LastKeyGenerationTimestamp"})
"""Members of what SES has of an identity that depend on when it was asked for, wherever they are. All others are compared."""
NOTHING: dict[str, Any] = {"ses": {}, "zones": {zone: [] for zone in ZONES}, "endpoint": [], "inventory": None}
"""What an identity leaves in the world that is gone."""


@dataclass
class Stage:
    """``tenant`` has a domain in the zones; its identity is called mail."""

    tenant: Tenant
    world: World
    zones: Mapping[str, str]
    publisher: EndpointPublisher

    @property
    def parent(self) -> str:
        return self.tenant.domain.partition(".")[2]

    # --- what happens to an identity

    def create(self, spec: Spec) -> None:
        self._delegate(zone_of(spec))
        self.tenant.create(*spec["regions"], name=NAME, **{k: v for k, v in spec.items() if k != "regions"})

    def change(self, first: Spec, second: Spec) -> None:
        self.tenant.change(NAME, **merge_patch(first, second))

    def delete(self) -> None:
        self.tenant.delete(NAME)

    def through(self, event: Callable[[], None], end: Callable[[], bool], zone: str) -> None:
        """Let it happen, and time pass until its end."""
        event()
        self._pass_until(end, zone)

    def through_death(
        self, event: Callable[[], None], end: Callable[[], bool], zone: str, writes: int
    ) -> tuple[list[str], bool]:
        """The same, but the operator is killed after so many writes, or in the end, and another goes on.

        What it has written before, and whether the end was still to come.
        """
        begun = self.world.writes()
        with self.world.killed_after(writes) as died:
            event()
            self._pass_until(end, zone)
        written, was_early = self.world.host.writes.all()[begun:], died()
        assert len(written) == writes or not was_early
        self._assert_inventory_covers_all()
        self.world.restart()
        self._pass_until(end, zone)
        return written, was_early

    def _pass_until(self, end: Callable[[], bool], zone: str) -> None:
        """Until the end, and do what ExternalDNS does, and what status asks people to do."""
        asked: set[str] = set()
        while True:
            act = self.world.until(lambda: self._next_act(asked, zone) or (_rest if end() else None), "the end")
            assert act is not None
            if act is _rest:
                return
            act()

    def _next_act(self, asked: set[str], zone: str) -> Callable[[], None] | None:
        if self.publisher.is_due():
            return self.publisher.publish
        identity = self._seen()
        dns = identity.status.dns if identity else None
        if identity is None or dns is None or not dns.former_places or not _is_current(identity):
            return None
        if zone not in asked and all(
            (record.name, record.type) in contents(self.zones[zone]) for record in dns.records
        ):
            asked.add(zone)
            return lambda: self._delegate(zone)
        for place in dns.former_places:
            if place.place not in asked and (
                WITHDRAW_FROM in place.message or place.reason == Pending.CACHED_DELEGATION
            ):
                asked.add(place.place)
                return lambda at=place.place: self.tenant.annotate(WITHDRAW_FROM, at, NAME)  # type: ignore[misc]
        return None

    def _delegate(self, zone: str) -> None:
        """The parent's NS records name the servers of this zone."""
        self.tenant.environment.sandbox.ask("dns/delegation", {"hostedZoneId": self.zones[zone]})
        if self.tenant.identity(NAME) is not None:
            self.tenant.request_reconcile(NAME)

    # --- what there is

    def is_done(self) -> bool:
        """Whether all is as asked, in the operator's eyes as well as in those of others."""
        return _is_done(self._seen()) and _is_done(self.tenant.identity(NAME))

    def is_gone(self) -> bool:
        return self.tenant.identity(NAME) is None and self.left() == NOTHING

    def _seen(self) -> SesIdentity | None:
        """The identity as the operator has it. To ask the apiserver at each moment costs more than all else."""
        return self.world.identities.get(ObjectKey(self.tenant.namespace, NAME))

    def left(self) -> dict[str, Any]:
        """All that the identity has left in the world, without its tokens."""
        at_ses = self.tenant.at_ses()
        identity = self.tenant.identity(NAME)
        ses = {
            region: _lasting(found) | {"Tags": tags(found), "topics": self._topics(region)}
            for region, found in at_ses.items()
        }
        left = {
            "ses": ses,
            "zones": {zone: self._records(zone) for zone in ZONES},
            "endpoint": self.tenant.endpoints(NAME),
            "inventory": identity.metadata.annotations.get(INVENTORY) if identity else None,
        }
        text = json.dumps(left)
        for token in _tokens_of_ses(at_ses):
            text = text.replace(token, "token")
        world: dict[str, Any] = json.loads(text)
        world["zones"] = {zone: sorted(records) for zone, records in world["zones"].items()}
        world["endpoint"] = sorted(world["endpoint"], key=json.dumps)
        return world

    def others(self) -> dict[str, Any]:
        """What others have: an identity at SES, records in each zone, objects beside the tenant's."""
        theirs = f"others.{self.parent}"
        namespace = self.tenant.namespace
        return {
            "ses": {
                region: {name: value for name, value in found.items() if name not in ("timers", "VerificationInfo")}
                for region, found in self.tenant.at_ses(theirs).items()
            },
            "zones": {
                zone: {key: values for key, values in contents(zone_id).items() if key[0].endswith(theirs)}
                for zone, zone_id in self.zones.items()
            },
            "objects": [
                self.tenant.api.get(path)
                for path in (
                    self.tenant.path("others"),
                    f"/api/v1/namespaces/{namespace}/secrets/{SELECTORS[0]}",
                    f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{namespace}/dnsendpoints/others",
                )
            ],
        }

    def _records(self, zone: str) -> list[Any]:
        """The record sets of the identity's domain; of the ledger only what it names, without digests and signatures."""
        return [
            [
                at,
                kind,
                sorted(
                    " ".join(value.split(" ")[:2]) if at.startswith("_ses-operator.") else value for value in values
                ),
            ]
            for (at, kind), values in contents(self.zones[zone]).items()
            if f".{at}".endswith(f".{self.tenant.domain}")
        ]

    def _topics(self, region: str) -> dict[str, Any]:
        """The SNS topics and their headers, but for what is as SES begins with."""
        ses = _ses_v1(region, self.tenant.environment.sandbox.aws_url)
        found = ses.get_identity_notification_attributes(Identities=[self.tenant.domain])["NotificationAttributes"]
        said: dict[str, Any] = {**found.get(self.tenant.domain, {})}
        return {name: value for name, value in said.items() if value and name != "ForwardingEnabled"}

    def _assert_inventory_covers_all(self) -> None:
        """What is needed to undo something is in the object before it is done."""
        found = self.tenant.api.get(self.tenant.path(NAME))
        annotations = found["metadata"].get("annotations", {}) if found else {}
        inventory = Inventory.decode(annotations.get(INVENTORY))
        at_ses = self.tenant.at_ses()
        assert at_ses.keys() <= inventory.regions
        assert {key for identity in at_ses.values() for key in tags(identity)} <= inventory.tag_keys | {OWNER_TAG}
        for identity in at_ses.values():
            marks = {tag["Key"]: tag["Value"] for tag in identity.get("Tags", ())}
            assert all(has_mark(name, marks) for name in identity["Policies"])
        ledger = f"_ses-operator.{self.tenant.domain}", "TXT"
        zones = {f"{ROUTE53_PLACE}{zone_id}" for zone_id in self.zones.values() if ledger in contents(zone_id)}
        assert zones <= inventory.places
        assert not self.tenant.endpoints(NAME) or DNS_ENDPOINT_PLACE in inventory.places


def set_up(tenant: Tenant, world: World) -> Stage:
    """The stage for a tenant of this world, with all that its specs refer to and all that is not its own."""
    parent = f"{tenant.namespace}.example.net"
    tenant = replace(tenant, domain=f"mail.{parent}")
    zones = {name: _zone(tenant, parent, name) for name in ZONES}
    for region in REGIONS:
        for name in CONFIGURATION_SETS:
            tenant.ses(region).create_configuration_set(ConfigurationSetName=name)
    for selector in SELECTORS:
        _add_secret(tenant, selector)
    entries = [{"name": name, "hostedZoneID": zone_id} for name, zone_id in zones.items()]
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"dns": {"zones": entries}}})
    _add_others(tenant, world, parent)
    publisher = EndpointPublisher(
        tenant.api, tenant.route53, tenant.namespace, ENDPOINT_LABELS, zones[ZONES[0]], world.host.writes.all
    )
    return Stage(tenant, world, zones, publisher)


def _zone(tenant: Tenant, name: str, reference: str) -> str:
    """A hosted zone with records of others, a ledger among them; its id."""
    created = tenant.route53.create_hosted_zone(Name=name, CallerReference=f"{name} {reference}")
    zone_id = created["HostedZone"]["Id"].rpartition("/")[2]
    records: list[Any] = [
        {"Name": f"{label}others.{name}", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": f'"{reference}"'}]}
        for label in ("", "_dmarc.", "_ses-operator.")
    ]
    changes: list[Any] = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    tenant.route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
    return zone_id


def _add_others(tenant: Tenant, world: World, parent: str) -> None:
    """Another installation's SesIdentity with what it has at SES, and a DNSEndpoint that people wrote."""
    theirs, account, namespace = f"others.{parent}", f"{tenant.namespace}-others", tenant.namespace
    tenant.ses(REGIONS[0]).create_email_identity(
        EmailIdentity=theirs,
        Tags=[{"Key": OWNER_TAG, "Value": f"others/{namespace}/others"}, {"Key": "team", "Value": "x"}],
    )
    tenant.environment.add_account(account)
    tenant.api.patch(f"{ACCOUNTS}/{account}", {"spec": {"installationID": "others"}})
    world.accounts.append(account)
    tenant.create(REGIONS[0], name="others", domain=theirs, accountRef={"name": account})
    endpoint = {"dnsName": theirs, "recordType": "A", "recordTTL": 60, "targets": ["192.0.2.1"]}
    tenant.api.create(
        f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{namespace}/dnsendpoints",
        {
            "apiVersion": "externaldns.k8s.io/v1alpha1",
            "kind": "DNSEndpoint",
            "metadata": {"name": "others", "namespace": namespace},
            "spec": {"endpoints": [endpoint]},
        },
    )


def _add_secret(tenant: Tenant, name: str) -> None:
    """A DKIM key in a Secret that is watched."""
    metadata = {"name": name, "namespace": tenant.namespace, "labels": {WATCH_LABEL: "true"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"tls.key": _key(name)}}
    tenant.api.create(f"/api/v1/namespaces/{tenant.namespace}/secrets", secret)


@cache
def _key(name: str) -> str:  # noqa: ARG001 - one for each name
    """As short as SES takes it: each reconcile checks the key, which takes six times as long for 2048 bits."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=MIN_BITS)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return b64encode(pem).decode()


@cache
def _ses_v1(region: str, url: str) -> SESClient:
    session = boto3.Session(aws_access_key_id="AKIASOMEBODYELSE", aws_secret_access_key="any")
    return session.client("ses", region_name=region, endpoint_url=url)


def _lasting(found: Mapping[str, Any]) -> dict[str, Any]:
    """What was found without its volatile members."""
    return {
        name: _lasting(value) if isinstance(value, Mapping) else value
        for name, value in found.items()
        if name not in VOLATILE
    }


def _tokens_of_ses(at_ses: Mapping[str, Any]) -> Iterator[str]:
    """The DKIM tokens that SES has chosen; of a key of one's own, the token is its selector."""
    for found in at_ses.values():
        if found["DkimAttributes"]["SigningAttributesOrigin"] != "EXTERNAL":
            yield from found["DkimAttributes"]["Tokens"]


def _is_done(identity: SesIdentity | None) -> bool:
    if identity is None or not _is_current(identity):
        return False
    found = [find(identity.status.conditions, kind) for kind in (ConditionType.READY, ConditionType.DNS_PUBLISHED)]
    return all(each is not None and each.is_true for each in found)


def _is_current(identity: SesIdentity) -> bool:
    return identity.status.observed_generation == identity.metadata.generation


def _rest() -> None:
    """There is nothing more to do."""
