"""An application team in one namespace, with a domain of its own, and what it finds in the cluster, at SES and in DNS."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

import boto3

from devcluster.apiclient import ACCOUNTS, IDENTITIES, ApiClient
from devcluster.environment import Environment
from devcluster.waiting import eventually
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.conditions import Condition, ConditionType, find
from ses_operator.api.base.meta import API_VERSION, MARK_TAGS, OWNER_TAG, RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import HandoverStatus

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client

T = TypeVar("T")

ZONE = "example.com"
PATIENCE = 90.0
"""Seconds that anything may take on a slow machine. Nothing waits that long where all is well."""

Records = Mapping[tuple[str, str], tuple[str, ...]]
"""Record sets by name and type."""


class Wait(Protocol):
    """How a tenant waits for what an operator does."""

    def __call__(self, question: Callable[[], T], of: str, /) -> T:
        """Return the first answer that is true; `of` says what is waited for, should it not come."""
        ...


def patiently(question: Callable[[], T], of: str) -> T:
    """Ask until an operator that runs as a process has done its work."""
    return eventually(question, timeout=PATIENCE, of=of)


@dataclass(frozen=True)
class Tenant:
    """One namespace. Identities are called `mail` unless said otherwise."""

    environment: Environment
    api: ApiClient
    namespace: str
    account: str = "default"
    domain: str = ""
    wait: Wait = patiently

    def __post_init__(self) -> None:
        if not self.domain:
            object.__setattr__(self, "domain", f"{self.namespace}.{ZONE}")

    def manifest(self, *regions: str, name: str = "mail", **spec: Any) -> dict[str, Any]:
        """A SesIdentity for the tenant's domain; `spec` are further members, or None for what is to be left out."""
        spec = {"domain": self.domain, "regions": list(regions), "accountRef": {"name": self.account}, **spec}
        spec = {member: value for member, value in spec.items() if value is not None}
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": "SesIdentity", "metadata": metadata, "spec": spec}

    def create(self, *regions: str, name: str = "mail", **spec: Any) -> None:
        self.api.create(IDENTITIES.format(namespace=self.namespace), self.manifest(*regions, name=name, **spec))

    def create_ready(self, *regions: str, **spec: Any) -> SesIdentity:
        self.create(*regions, **spec)
        return self.ready()

    def change(self, name: str = "mail", **spec: Any) -> None:
        """Changes members of the spec; None removes one."""
        self.api.patch(self.path(name), {"spec": spec})

    def delete(self, name: str = "mail") -> None:
        """In the background, as kubectl does; returns at once."""
        self.api.delete(self.path(name))

    def request_reconcile(self, name: str = "mail") -> str:
        """As a person does who does not want to wait for the sweep; what status.lastHandledReconcileAt will say."""
        request = uuid4().hex
        self.api.patch(self.path(name), {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: request}}})
        return request

    def annotate(self, key: str, value: str, name: str = "mail") -> None:
        self.api.patch(self.path(name), {"metadata": {"annotations": {key: value}}})

    def reconciled(self, name: str = "mail") -> SesIdentity:
        """Asks for a reconcile and waits until it has been reported; the identity then."""
        request = self.request_reconcile(name)

        def handled() -> SesIdentity | None:
            identity = self.identity(name)
            return identity if identity and identity.status.last_handled_reconcile_at == request else None

        identity = self.wait(handled, f"the reconcile of {name}")
        assert identity is not None
        return identity

    def identity(self, name: str = "mail") -> SesIdentity | None:
        found = self.api.get(self.path(name))
        return None if found is None else SesIdentity.model_validate(found)

    def condition(self, type_: ConditionType, name: str = "mail") -> Condition | None:
        """The condition, if it is about the spec as it stands."""
        identity = self.identity(name)
        if identity is None or identity.status.observed_generation != identity.metadata.generation:
            return None
        return find(identity.status.conditions, type_)

    def ready(self, name: str = "mail") -> SesIdentity:
        """Waits until it is ready; the identity then."""
        return self._in_condition(name, lambda condition: condition is not None and condition.is_true, "ready")

    def not_ready(self, reason: Reason, name: str = "mail") -> Condition:
        """Waits until it is not ready for this reason; the condition Ready then."""
        identity = self._in_condition(
            name,
            lambda condition: condition is not None and not condition.is_true and condition.reason == reason,
            reason,
        )
        condition = find(identity.status.conditions, ConditionType.READY)
        assert condition is not None
        return condition

    def waits_for_deletion(self, reason: Reason, name: str = "mail") -> str:
        """Waits until it says that its deletion waits, for this reason; what it says."""

        def waits() -> str | None:
            identity = self.identity(name)
            ready = None if identity is None else find(identity.status.conditions, ConditionType.READY)
            return ready.message if ready and ready.reason == reason and ready.message.startswith("Deletion") else None

        message = self.wait(waits, f"{name} to say that its deletion waits")
        assert message is not None
        return message

    def waits_for_handover(self, new_owner: str, name: str = "mail") -> None:
        """Waits until it says that it is handed over to another installation, and that this waits."""

        def waits() -> bool:
            identity = self.identity(name)
            return identity is not None and identity.status.handover == HandoverStatus(to=new_owner, completed=False)

        self.wait(waits, f"{name} to say that its hand-over waits")

    def says(self, type_: ConditionType, words: str, name: str = "mail") -> str:
        """Waits until a condition's message has these words; the message."""

        def message() -> str | None:
            condition = self.condition(type_, name)
            return condition.message if condition and words in condition.message else None

        found = self.wait(message, f"{type_} to say {words}")
        assert found is not None
        return found

    def account_not_ready(self, reason: Reason) -> None:
        """Waits until the tenant's SesAccount is not ready for this reason."""

        def says() -> bool:
            found = self.api.get(f"{ACCOUNTS}/{self.account}")
            ready = (
                None if found is None else find(SesAccount.model_validate(found).status.conditions, ConditionType.READY)
            )
            return ready is not None and not ready.is_true and ready.reason == reason

        self.wait(says, f"the account to be {reason}")

    def delete_account(self) -> None:
        """Deletes the tenant's SesAccount, once the operator holds on to it for its identities: it stays until they are gone."""
        path = f"{ACCOUNTS}/{self.account}"
        self.wait(lambda: (self.api.get(path) or {}).get("metadata", {}).get("finalizers"), "the account to be held")
        self.api.delete(path)

    def settled(self, name: str = "mail") -> SesIdentity:
        """Waits until it is ready and its records are seen: then the operator looks at it no more, unless it is asked to."""
        published = ConditionType.DNS_PUBLISHED
        self.wait(
            lambda: (condition := self.condition(published, name)) is not None and condition.is_true,
            f"the records of {name} to be seen",
        )
        self.ready(name)
        return self.reconciled(name)

    def is_verified_at_ses(self, region: str) -> bool:
        return self.at_ses().get(region, {}).get("VerificationStatus") == "SUCCESS"

    def verified(self, regions: str, name: str = "mail") -> SesIdentity:
        """Waits until so many regions are verified ("1/2"), ready or not; the identity then."""

        def counted() -> SesIdentity | None:
            identity = self.identity(name)
            return identity if identity and identity.status.verified_regions == regions else None

        identity = self.wait(counted, f"{regions} regions of {name} to be verified")
        assert identity is not None
        return identity

    def lose(self, name: str = "mail") -> None:
        """The object goes without anything being taken back: as when a cluster is lost. For when no operator runs."""
        self.api.patch(self.path(name), {"metadata": {"finalizers": None}})
        self.delete(name)
        self.gone(name)

    def gone(self, name: str = "mail") -> None:
        """Waits until the object is gone."""
        self.wait(lambda: self.identity(name) is None, f"{name} to go")

    def _in_condition(self, name: str, wanted: Any, what: str) -> SesIdentity:
        self.wait(lambda: wanted(self.condition(ConditionType.READY, name)), f"{name} to be {what}")
        identity = self.identity(name)
        assert identity is not None
        return identity

    def path(self, name: str = "mail") -> str:
        return f"{IDENTITIES.format(namespace=self.namespace)}/{name}"

    def ses(self, region: str) -> SESV2Client:
        """SES as somebody else of the same AWS account uses it."""
        client: SESV2Client = _client("sesv2", region, self._aws_url, self._access_key)
        return client

    def ses_v1(self, region: str) -> SESClient:
        """The first version of SES's API, as the same client uses it."""
        client: SESClient = _client("ses", region, self._aws_url, self._access_key)
        return client

    @property
    def route53(self) -> Route53Client:
        client: Route53Client = _client("route53", "us-east-1", self._aws_url, self._access_key)
        return client

    @property
    def _aws_url(self) -> str:
        return self.environment.sandbox.aws_url

    @property
    def _access_key(self) -> str:
        return "AKIASOMEBODYELSE"

    def at_ses(self, domain: str | None = None) -> dict[str, dict[str, Any]]:
        """What SES has of the domain, by region, as GetEmailIdentity answers it."""
        name = domain or self.domain
        regions = self.environment.sandbox.ask(f"state?{urlencode({'identity': name})}")["regions"]
        return {region["region"]: region["identities"][name] for region in regions}

    def emails(self, address: str) -> list[dict[str, Any]]:
        """The verification emails to an address, oldest first."""
        messages = self.environment.sandbox.ask("outbox")["messages"]
        return [mail for mail in messages if mail["kind"] == "verification" and mail["to"] == [address]]

    def follow_links(self, address: str) -> None:
        """Opens the newest link of each region, as the owner of the address does."""
        newest = {mail["region"]: mail["link"] for mail in self.emails(address)}
        for link in newest.values():
            with urllib.request.urlopen(link, timeout=30) as page:  # noqa: S310 - of the sandbox
                assert b"is verified" in page.read()

    def owners(self) -> dict[str, str | None]:
        """Whom the owner tag names, by region."""
        return {region: tags(identity).get(OWNER_TAG) for region, identity in self.at_ses().items()}

    def records(self) -> Records:
        """The record sets of the zone at and below the tenant's domain."""
        return {
            (found["Name"].rstrip("."), found["Type"]): tuple(value["Value"] for value in found["ResourceRecords"])
            for found in self._record_sets()
        }

    def _record_sets(self) -> Iterator[Any]:
        zone_id = self.environment.sandbox.zones[ZONE]
        for page in self.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id):
            for found in page["ResourceRecordSets"]:
                if f".{found['Name']}".endswith(f".{self.domain}."):
                    yield found

    def record_changes(self) -> int:
        """How often record sets at and below the tenant's domain were changed so far, by whomever."""
        events = self.environment.sandbox.ask("dns/changes")["changes"]
        names = [changed["name"].rstrip(".") for event in events for changed in event["sets"]]
        return sum(f".{name}".endswith(f".{self.domain}") for name in names)

    def clear_records(self) -> None:
        """Deletes all records of the tenant's domain, whosever they are."""
        self._submit([{"Action": "DELETE", "ResourceRecordSet": found} for found in self._record_sets()])

    def endpoints(self, name: str = "mail") -> list[dict[str, Any]]:
        """What the DNSEndpoint asks for; nothing if there is none."""
        path = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{self.namespace}/dnsendpoints/{name}"
        found = self.api.get(path)
        endpoints: list[dict[str, Any]] = [] if found is None else found["spec"].get("endpoints", [])
        return endpoints

    def add_record(self, label: str, kind: str, *values: str) -> tuple[str, str]:
        """Adds a record set of somebody else's, below the domain unless its name has a closing dot; its key."""
        self._change("CREATE", label, kind, values, 60)
        return f"{label}.{self.domain}", kind

    def remove_record(self, label: str, kind: str, value: str, ttl: int = 300) -> None:
        self._change("DELETE", label, kind, (value,), ttl)

    def _change(self, action: Any, label: str, kind: Any, values: Iterable[str], ttl: int) -> None:
        name = label if label.endswith(".") else f"{label}.{self.domain}" if label else self.domain
        record: Any = {
            "Name": name,
            "Type": kind,
            "TTL": ttl,
            "ResourceRecords": [{"Value": value} for value in values],
        }
        self._submit([{"Action": action, "ResourceRecordSet": record}])

    def _submit(self, changes: list[Any]) -> None:
        """Has the zone changed, and waits until it is served so."""
        zone_id, route53 = self.environment.sandbox.zones[ZONE], self.route53
        answer = route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        change = answer["ChangeInfo"]["Id"]
        self.wait(lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC", "the change of the zone")

    @contextmanager
    def refusing(self, operation: str, code: str = "AccessDeniedException", status: int = 400) -> Iterator[None]:
        """SES refuses an operation on the tenant's domain, until the block ends."""
        fault = {"kind": "error", "operation": operation, "identity": self.domain, "status": status, "code": code}
        made = self.environment.sandbox.ask(
            "faults", {**fault, "message": f"not authorized to perform ses:{operation}"}
        )
        yield
        self.environment.sandbox.ask(f"faults/{made['id']}", method="DELETE")

    @contextmanager
    def fault(self, kind: str, **matchers: Any) -> Iterator[None]:
        """AWS or DNS on a bad day: until the block ends, or as many `times` as the matchers say."""
        sandbox = self.environment.sandbox
        number = sandbox.ask("faults", {"kind": kind, **matchers})["id"]
        try:
            yield
        finally:
            if any(active["id"] == number for active in sandbox.ask("faults")["faults"]):
                sandbox.ask(f"faults/{number}", method="DELETE")

    def events(self, name: str = "mail") -> list[tuple[str, str, str]]:
        """Type, reason and message of the Events about an identity."""
        found = self.api.get(f"/api/v1/namespaces/{self.namespace}/events") or {"items": []}
        return [
            (event["type"], event["reason"], event["message"])
            for event in found["items"]
            if event["involvedObject"]["name"] == name
        ]

    def writes(self, *, since: int = 0) -> list[str]:
        """What was asked of SES that changes the identity, oldest first."""
        return [
            call["operation"]
            for call in self.calls(identity=self.domain, since=since)
            if not call["operation"].startswith(("Get", "List"))
        ]

    def last_call(self) -> int:
        """The number of the last call that AWS got, for `since`."""
        calls = self.calls(limit=1)
        return int(calls[0]["number"]) if calls else 0

    def calls(self, **wanted: str | int) -> list[dict[str, Any]]:
        """The calls that AWS got, oldest first: of an `operation`, of an `identity`, in a `region`, `since` a number."""
        query = urlencode({"limit": 100_000, **wanted})
        calls: list[dict[str, Any]] = self.environment.sandbox.ask(f"calls?{query}")["calls"]
        return calls


@cache
def _client(service: Any, region: str, url: str, access_key: str) -> Any:
    """Made once: to read the description of a service takes longer than most calls."""
    return _session(access_key).client(service, region_name=region, endpoint_url=url)


@cache
def _session(access_key: str) -> boto3.Session:
    """One for all clients: what it reads of services and endpoints serves them all."""
    return boto3.Session(aws_access_key_id=access_key, aws_secret_access_key="any")


def tags(identity: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an identity at SES, without the marks by which the operator knows what it has set there."""
    return {tag["Key"]: tag["Value"] for tag in identity.get("Tags", ()) if tag["Key"] not in MARK_TAGS}
