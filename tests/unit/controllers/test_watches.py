"""Who is looked at again when something changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kubernetes.aio.client.configuration import Configuration
from prometheus_client import CollectorRegistry

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.shared.cluster import (
    ACCOUNT_INDEXES,
    ENDPOINT_SELECTOR,
    IDENTITY_INDEXES,
    SECRET_SELECTOR,
    TEMPLATE_INDEXES,
    Cluster,
)
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.identity_objects import StatusReport
from ses_operator.controllers.shared.telemetry import Telemetry, queue_metrics
from ses_operator.controllers.wiring import REGISTRATIONS
from ses_operator.core.model.keys import ObjectKey
from ses_operator.dns.endpoint_object import DNS_ENDPOINTS
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.kube.resources import NAMESPACES, SECRETS
from ses_operator.runtime.watch.cache import ObjectStore, Origin
from ses_operator.runtime.watch.reflector import Reflected, Reflectors
from ses_operator.runtime.workqueue import Urgency, WorkQueue
from ses_operator.settings import Settings
from unit.simulated_loop import simulate


def identity(name: str, domain: str, version: int = 1, account: str = "default", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "team", "name": name, "uid": name, "resourceVersion": str(version)},
        "spec": {"domain": domain, "regions": ["eu-west-1"], "accountRef": {"name": account}},
        **more,
    }


def account(name: str, secret: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": name, "resourceVersion": "1"},
        "spec": {"credentials": {"secretRef": {"name": secret}}},
    }


class World:
    """A cluster with some objects, and the queues of the controllers that watch it."""

    def __init__(self, client: KubeClient) -> None:
        self.identities = ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES)
        self.accounts = ObjectStore(SesAccount.model_validate, ACCOUNT_INDEXES)
        self.templates = ObjectStore(SesVerificationTemplate.model_validate, TEMPLATE_INDEXES)
        self.secrets = Reflectors(client, SECRETS, ("ops",), SECRET_SELECTOR)
        self.dkim_secrets = Reflectors(client, SECRETS, (), SECRET_SELECTOR)
        self.endpoints = Reflectors(client, DNS_ENDPOINTS, (), ENDPOINT_SELECTOR)
        self.namespaces = Reflectors(client, NAMESPACES, (), "")
        self.context = ControllerContext(
            Settings(installation_id="test", namespace="ops"),
            Cluster(
                client=client,
                events=EventRecorder(client, clock=time.monotonic),
                identities=self.identities,
                accounts=self.accounts,
                templates=self.templates,
                endpoints=self.endpoints,
                namespaces=self.namespaces,
                secrets=self.secrets,
                dkim_secrets=self.dkim_secrets,
            ),
            Telemetry(),
        )
        for number, name in enumerate(("a", "b", "c")):
            self.identities.observe(identity(name, "same.example" if number < 2 else "own.example"))
        self.accounts.observe(account("default", "credentials"))
        metrics = queue_metrics(CollectorRegistry())
        self.queues: dict[str, WorkQueue[ObjectKey]] = {}
        for register in REGISTRATIONS:
            controller = register(self.context)
            self.queues[controller.name] = WorkQueue(controller.name, metrics)
            controller.feed(self.queues[controller.name])

    def see(self, obj: dict[str, Any], origin: Origin = Origin.WATCHED) -> None:
        self.identities.changes.emit(replace(self.identities.observe(obj), origin=origin))


def woken(act: Callable[[World], None]) -> dict[str, Urgency]:
    """The objects that are woken by it, ``kind name`` to urgency."""

    async def play() -> dict[str, Urgency]:
        seen = dict[str, Urgency]()
        async with KubeClient(Configuration(host="http://127.0.0.1:1")) as client:
            world = World(client)
            act(world)
        for kind, queue in world.queues.items():
            while (ready := queue._ready.take()) is not None:
                seen[f"{kind} {ready.key.name}"] = ready.urgency
        return seen

    return simulate(play())


def test_a_persons_change_wakes_the_identity_at_once_and_its_rivals_and_its_account_in_turn() -> None:
    changed = identity("a", "same.example", 2)
    changed["metadata"]["annotations"] = {"ses-operator.io/reconcile-requested-at": "now"}
    assert woken(lambda world: world.see(changed)) == {
        "sesidentity a": Urgency.URGENT,
        "sesidentity b": Urgency.NORMAL,
        "sesaccount default": Urgency.NORMAL,
    }


def test_an_edit_of_status_alone_wakes_only_the_identity() -> None:
    changed = identity("a", "same.example", 2, status={"observedGeneration": 7})
    assert woken(lambda world: world.see(changed)) == {"sesidentity a": Urgency.NORMAL}


def test_what_a_restart_lists_is_not_urgent() -> None:
    new = identity("d", "own.example", account="other")
    assert woken(lambda world: world.see(new, Origin.LISTED)) == {
        "sesidentity d": Urgency.NORMAL,
        "sesaccount other": Urgency.NORMAL,
    }


def test_a_deleted_identity_wakes_those_that_waited_for_its_domain() -> None:
    def delete(world: World) -> None:
        world.identities.changes.emit(world.identities.remove(ObjectKey("team", "a"), "a"))

    assert woken(delete) == {
        "sesidentity a": Urgency.URGENT,
        "sesidentity b": Urgency.NORMAL,
        "sesaccount default": Urgency.NORMAL,
    }


def test_a_changed_namespace_wakes_the_identities_in_it_and_whom_they_kept_from_their_domain() -> None:
    def relabel(world: World) -> None:
        elsewhere = identity("d", "own.example")
        elsewhere["metadata"]["namespace"] = "elsewhere"
        world.identities.observe(elsewhere)
        world.namespaces.changes.emit(Reflected(ObjectKey("", "elsewhere"), {"metadata": {"name": "elsewhere"}}))

    assert woken(relabel) == {"sesidentity c": Urgency.NORMAL, "sesidentity d": Urgency.NORMAL}


def test_a_changed_secret_wakes_the_accounts_that_use_it() -> None:
    assert woken(lambda world: world.secrets.changes.emit(Reflected(ObjectKey("ops", "credentials"), None))) == {
        "sesaccount default": Urgency.URGENT
    }
    assert woken(lambda world: world.secrets.changes.emit(Reflected(ObjectKey("ops", "another"), None))) == {}


def test_a_changed_secret_wakes_the_identity_whose_dkim_key_is_in_it() -> None:
    def change(namespace: str) -> Callable[[World], None]:
        def act(world: World) -> None:
            own = identity("d", "other.example")
            reference = {"selector": "s1", "privateKeySecretRef": {"name": "dkim"}}
            own["spec"]["dkim"] = {"mode": "BYODKIM", "byodkim": reference}
            world.identities.observe(own)
            world.dkim_secrets.changes.emit(Reflected(ObjectKey(namespace, "dkim"), None))

        return act

    assert woken(change("team")) == {"sesidentity d": Urgency.NORMAL}
    assert woken(change("another")) == {}


def template(name: str, sender: str) -> dict[str, Any]:
    spec = {"fromEmailAddress": sender, "subject": "Hello", "content": "Hello", "regions": ["eu-west-1"]}
    urls = {"successRedirectURL": "https://example.com/yes", "failureRedirectURL": "https://example.com/no"}
    metadata = {"namespace": "team", "name": name, "uid": name, "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {**spec, **urls}}


def test_a_sender_that_is_verified_wakes_the_templates_that_wait_for_it() -> None:
    def verify(*statuses: str) -> Callable[[World], None]:
        regions = (RegionStatus(region=f"r{number}", verification_status=each) for number, each in enumerate(statuses))

        def act(world: World) -> None:
            world.templates.observe(template("exact", "hello@same.example"))
            world.templates.observe(template("below", "hello@mail.Same.example"))
            world.templates.observe(template("another", "hello@notsame.example"))
            found = world.identities.get(ObjectKey("team", "a"))
            assert found is not None
            before = found.model_copy(
                update={
                    "status": SesIdentityStatus(regions=(RegionStatus(region="r0", verification_status="SUCCESS"),))
                }
            )
            world.context.objects.reports.emit(StatusReport(before, SesIdentityStatus(regions=tuple(regions))))

        return act

    assert woken(verify("SUCCESS", "SUCCESS")) == {
        "sesverificationtemplate exact": Urgency.NORMAL,
        "sesverificationtemplate below": Urgency.NORMAL,
    }
    assert woken(verify("SUCCESS", "PENDING")) == {}, "that region was verified before"


def test_a_status_of_ours_wakes_the_emails_of_an_account_that_has_any_sent() -> None:
    def report(*, notifies: bool) -> Callable[[World], None]:
        def act(world: World) -> None:
            changed = account("default", "credentials")
            changed["metadata"]["resourceVersion"] = "2"
            if notifies:
                wanted = {"from": "ses@example.com", "to": ["team@example.com"], "region": "eu-west-1"}
                changed["spec"]["notifications"] = wanted
            world.accounts.observe(changed)
            found = world.identities.get(ObjectKey("team", "a"))
            assert found is not None
            world.context.objects.reports.emit(StatusReport(found, SesIdentityStatus(observed_generation=1)))

        return act

    assert woken(report(notifies=True)) == {"notification default": Urgency.NORMAL}
    assert woken(report(notifies=False)) == {}


def test_a_changed_account_wakes_its_own_emails() -> None:
    def change(world: World) -> None:
        changed = account("default", "credentials")
        changed["metadata"]["resourceVersion"] = "2"
        changed["metadata"]["annotations"] = {"ses-operator.io/reconcile-requested-at": "now"}
        world.accounts.changes.emit(world.accounts.observe(changed))

    assert woken(change) == {"sesaccount default": Urgency.URGENT, "notification default": Urgency.NORMAL}


def test_an_identity_that_goes_wakes_the_template_that_it_used() -> None:
    def delete(world: World) -> None:
        address = identity("d", "unused")
        address["spec"] = {
            "email": "a@example.org",
            "regions": ["eu-west-1"],
            "verificationTemplateRef": {"name": "welcome"},
        }
        world.identities.observe(address)
        world.identities.changes.emit(world.identities.remove(ObjectKey("team", "d"), "d"))

    assert woken(delete)["sesverificationtemplate welcome"] is Urgency.NORMAL


def test_a_dnsendpoint_wakes_the_identity_that_its_labels_name() -> None:
    labels = {"ses-operator.io/identity": "b", "ses-operator.io/identity-namespace": "team"}
    endpoint = {"metadata": {"labels": labels}}
    key = ObjectKey("team", "called-otherwise")
    assert woken(lambda world: world.endpoints.changes.emit(Reflected(key, endpoint))) == {
        "sesidentity b": Urgency.NORMAL
    }


def test_a_deleted_dnsendpoint_wakes_the_identity_of_its_name() -> None:
    assert woken(lambda world: world.endpoints.changes.emit(Reflected(ObjectKey("team", "c"), None))) == {
        "sesidentity c": Urgency.NORMAL
    }


def test_the_dnsendpoint_kind_being_installed_wakes_everybody() -> None:
    assert set(woken(lambda world: world.endpoints.installations.emit(DNS_ENDPOINTS))) == {
        "sesidentity a",
        "sesidentity b",
        "sesidentity c",
    }
