"""Every file in examples/ does what its comments say: applied as it is, with AWS in place, it becomes ready.

The names in the examples are the same in all of them, so one test process has them all, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml

from cluster.tenant import ZONE, Tenant
from controllers.host import Host
from controllers.publisher import EndpointPublisher
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import ROOT
from devcluster.kubectl import Kubectl
from gitops.argocd import out_of_sync, path_of
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.schema.kinds import ACCOUNT, KINDS

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
CHANGED_BY_HAND = {"adopt-and-keep", "route53-cross-account"}
"""The examples that say more than can be true here, or that are to be changed: what stands is not what they say."""
DNS_WRITER = "arn:aws:iam::210987654321:role/dns-writer"


OURS = {kind.kind for kind in KINDS}


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> str:
    """That of the examples. The operator's pod has AWS credentials."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPOD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    return "default"


@pytest.fixture
def world(host: Host, namespace: str) -> Iterator[World]:
    """An operator and an AWS that saw nothing before: the examples' names (`default`, example.com) are theirs."""
    host.sandbox.ask("reset", {})
    world = World(host, [namespace], ["default"])
    yield world
    world.stop()


@pytest.fixture
def kubectl(host: Host) -> Kubectl:
    """kubectl as the administrator of the cluster."""
    return host.plane.kubectl


@pytest.fixture
def user(world: World, namespace: str) -> Tenant:
    """Who applies the examples."""
    return Tenant(
        world.host.environment, world.host.api, namespace, account="default", domain=f"mail.{ZONE}", wait=world.until
    )


class Surroundings:
    """What the comments of the examples say must be there, and what people do after they have applied them."""

    def __init__(self, user: Tenant, world: World) -> None:
        self._user, self._world = user, world
        self._publisher = EndpointPublisher(
            user.api, user.route53, user.namespace, {"external-dns": "public"},
            user.environment.sandbox.zones[ZONE], world.host.writes.all,
        )  # fmt: skip

    def around(self, example: str) -> AbstractContextManager[None]:
        """Makes what must be there before, and takes away what the example leaves."""
        named: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
            "adopt-and-keep": self._identity_of_old,
            "dnsendpoint": self._external_dns,
            "governance": self._labelled_namespace,
            "feedback": self._configuration_sets_and_topics,
            "manual": self._published_by_hand,
            "mail-from": self._configuration_sets_and_topics,
            "notifications": self._mail_to_anybody,
            "route53-cross-account": self._zone_of_another_account,
            "verification-template": self._production_access,
        }
        return named.get(example, nullcontext)()

    def follow_up(self, example: str) -> None:
        """Does what is left to people."""
        if example == "dnsendpoint":
            self._publish_by_external_dns()
        elif example == "manual":
            self._publish_what_status_says()
        elif example == "email":
            self._follow_links("billing@example.com", 2)
        elif example == "verification-template":
            self._follow_links("customer@example.net", 1)
        elif example == "adopt-and-keep":
            self._user.not_ready(Reason.SUSPENDED, "legacy")
            self._user.change("legacy", suspend=None)

    def _audit_is_told(self) -> bool:
        found = self._user.api.get(f"{ACCOUNTS}/default") or {}
        audit = found.get("status", {}).get("audit", {})
        return any(region["region"] == "eu-west-1" for region in audit.get("regions", ()))

    def _follow_links(self, address: str, emails: int) -> None:
        self._user.wait(lambda: len(self._user.emails(address)) == emails, "the emails")
        self._user.follow_links(address)

    def witness(self, example: str) -> None:
        """What else is to come of it, before it is deleted."""
        if example == "notifications":
            self._user.wait(self._notifications, "the email that says that it is verified")
        elif example == "audit":
            self._world.pass_time(hours=25)
            self._user.wait(self._audit_is_told, "the audit after the first")

    def _notifications(self) -> list[str]:
        messages = self._user.environment.sandbox.ask("outbox")["messages"]
        return [mail["subject"] for mail in messages if mail["to"] == ["platform-team@example.com"]]

    @contextmanager
    def _mail_to_anybody(self) -> Iterator[None]:
        self._user.environment.sandbox.ask("account", {"region": IRELAND, "productionAccess": True})
        yield
        assert self._notifications() == [f"[tests] mail.{ZONE} is verified"]

    @contextmanager
    def _production_access(self) -> Iterator[None]:
        """Which the account has where the template is used."""
        self._user.environment.sandbox.ask("account", {"region": IRELAND, "productionAccess": True})
        yield
        assert self._ses(IRELAND).list_custom_verification_email_templates()["CustomVerificationEmailTemplates"] == []

    @contextmanager
    def _identity_of_old(self) -> Iterator[None]:
        legacy, ses = Tenant(self._user.environment, self._user.api, "default", domain=f"legacy.{ZONE}"), self._ses
        ses(VIRGINIA).create_email_identity(EmailIdentity=legacy.domain)
        yield
        assert legacy.owners() == {VIRGINIA: None}, "left in place, and its owner's no more"
        assert any(kind == "CNAME" for _, kind in legacy.records())
        ses(VIRGINIA).delete_email_identity(EmailIdentity=legacy.domain)
        legacy.clear_records()

    @contextmanager
    def _external_dns(self) -> Iterator[None]:
        yield
        self._publish_by_external_dns()

    def _publish_by_external_dns(self) -> None:
        self._user.wait(self._publisher.is_due, "something to do for ExternalDNS")
        self._publisher.publish()

    @contextmanager
    def _configuration_sets_and_topics(self) -> Iterator[None]:
        for region, names in {IRELAND: ("transactional", "transactional-eu"), VIRGINIA: ("transactional",)}.items():
            present = self._ses(region).list_configuration_sets()["ConfigurationSets"]
            for name in {*names} - {*present}:
                self._ses(region).create_configuration_set(ConfigurationSetName=name)
            self._client("sns", region).create_topic(Name="mail-feedback")
        yield

    @contextmanager
    def _labelled_namespace(self) -> Iterator[None]:
        self._label_namespace("a")
        yield
        self._label_namespace(None)

    def _label_namespace(self, team: str | None) -> None:
        self._user.api.patch(f"/api/v1/namespaces/{self._user.namespace}", {"metadata": {"labels": {"team": team}}})

    @contextmanager
    def _published_by_hand(self) -> Iterator[None]:
        yield
        self._user.clear_records()

    def _publish_what_status_says(self) -> None:
        def records() -> Any:
            identity = self._user.identity()
            return identity and identity.status.dns and identity.status.dns.records

        for record in self._user.wait(records, "the records to publish"):
            self._user.add_record(f"{record.name}.", record.type, *record.values)

    @contextmanager
    def _zone_of_another_account(self) -> Iterator[None]:
        session = self._client("sts", VIRGINIA).assume_role(RoleArn=DNS_WRITER, RoleSessionName="example")
        keys = session["Credentials"]
        route53: Route53Client = boto3.client(
            "route53",
            region_name=VIRGINIA,
            endpoint_url=self._user.environment.sandbox.aws_url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        made = route53.create_hosted_zone(Name=self._user.domain, CallerReference="example")["HostedZone"]
        self.zone_id = made["Id"].removeprefix("/hostedzone/")
        yield
        assert not [
            record["Name"]
            for record in route53.list_resource_record_sets(HostedZoneId=self.zone_id)["ResourceRecordSets"]
            if record["Type"] == "CNAME"
        ]
        route53.delete_hosted_zone(Id=self.zone_id)

    def lead_to_the_sandbox(self, account: Mapping[str, Any]) -> None:
        """What an account of the examples cannot know: where this AWS is, and the id of its hosted zone."""
        environment, dns = self._user.environment, account["spec"].get("dns", {})
        ours = environment.account("any", "any", environment.sandbox.aws_url, {})["spec"]
        change = {"endpoints": ours["endpoints"], "requestsPerSecond": ours["requestsPerSecond"], "dns": ours["dns"]}
        if "zones" in dns:
            change["dns"] = {**ours["dns"], "zones": [{**zone, "hostedZoneID": self.zone_id} for zone in dns["zones"]]}
        self._user.api.patch(f"{ACCOUNTS}/{account['metadata']['name']}", {"spec": change})

    def _ses(self, region: str) -> Any:
        return self._user.ses(region)

    def _client(self, service: Any, region: str) -> Any:
        url = self._user.environment.sandbox.aws_url
        session = boto3.Session(aws_access_key_id="AKIASOMEBODYELSE", aws_secret_access_key="any")
        return session.client(service, region_name=region, endpoint_url=url)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_becomes_ready_and_goes(
    example: Path, world: World, user: Tenant, kubectl: Kubectl, request: pytest.FixtureRequest
) -> None:
    if example.stem == "dnsendpoint":
        request.getfixturevalue("dnsendpoints")
    manifests = list(yaml.safe_load_all(example.read_text(encoding="utf-8")))
    accounts = [manifest for manifest in manifests if manifest["kind"] == ACCOUNT.kind]
    identities = [manifest for manifest in manifests if manifest["kind"] == "SesIdentity"]
    world.accounts = ["default", *(account["metadata"]["name"] for account in accounts)]
    surroundings = Surroundings(user, world)
    with surroundings.around(example.stem):
        if not accounts:
            user.environment.add_account()
        kubectl.apply(example)
        for account in accounts:
            surroundings.lead_to_the_sandbox(account)
        world.look()
        surroundings.follow_up(example.stem)

        for manifest in accounts + identities:
            user.wait(lambda of=manifest: _is_ready(user.api.get(path_of(of))), f"{manifest['kind']} to be ready")  # type: ignore[misc]
        surroundings.witness(example.stem)
        if example.stem not in CHANGED_BY_HAND:
            assert out_of_sync(user.api, accounts + identities) == {}

        for manifest in identities:
            found = user.at_ses(manifest["spec"].get("domain") or manifest["spec"]["email"])
            assert found.keys() == set(manifest["spec"]["regions"])
            name = manifest["metadata"]["name"]
            assert all(_owner(identity) == f"tests/default/{name}" for identity in found.values())
        for manifest in reversed(manifests):
            if manifest["kind"] in OURS:
                _delete(user, manifest)
        _delete(user, {"kind": ACCOUNT.kind, "metadata": {"name": "default"}})
    assert user.at_ses() == {}
    assert user.records() == {}


def _delete(user: Tenant, manifest: Mapping[str, Any]) -> None:
    """And wait until it is gone, if it was there at all."""
    user.api.delete(path_of(manifest))
    user.wait(lambda: user.api.get(path_of(manifest)) is None, f"{path_of(manifest)} to go")


def _is_ready(found: Mapping[str, Any] | None) -> bool:
    """As kubectl wait has it."""
    conditions = (found or {}).get("status", {}).get("conditions", ())
    return any(condition["type"] == ConditionType.READY and condition["status"] == "True" for condition in conditions)


def _owner(identity: Mapping[str, Any]) -> str | None:
    return next((tag["Value"] for tag in identity["Tags"] if tag["Key"] == OWNER_TAG), None)
