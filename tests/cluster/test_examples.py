"""Every file in examples/ does what its comments say: applied as it is, with AWS in place, it becomes ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml

from cluster.conftest import QUICK, SANDBOX
from cluster.tenant import PATIENCE, ZONE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import ROOT, Environment, running
from devcluster.externaldns import ExternalDns, Settings, dnsendpoint_crd
from devcluster.kubectl import Kubectl
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from gitops.argocd import out_of_sync
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

pytestmark = pytest.mark.usefixtures("operator")

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
CHANGED_BY_HAND = {"adopt-and-keep", "route53-cross-account"}
"""The examples that say more than can be true here, or that are to be changed: what stands is not what they say."""
DNS_WRITER = "arn:aws:iam::210987654321:role/dns-writer"


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """A cluster and an AWS in which nobody was before: the examples' names (`default`, example.com) are theirs."""
    with running(SANDBOX) as environment:
        environment.kubectl("delete", "sesaccount", "default")
        yield environment


@pytest.fixture
def kubectl(environment: Environment) -> Kubectl:
    """kubectl as the administrator of that cluster."""
    return environment.kubectl


@pytest.fixture(scope="module")
def operator(environment: Environment) -> Iterator[OperatorProcess]:
    """An operator whose pod has AWS credentials."""
    with pytest.MonkeyPatch.context() as pod:
        pod.setenv("AWS_ACCESS_KEY_ID", "AKIAPOD")
        pod.setenv("AWS_SECRET_ACCESS_KEY", "any")
        with environment.operator(OperatorOptions(installation_id="tests", flags=QUICK)) as operator:
            yield operator


@pytest.fixture
def user(environment: Environment) -> Tenant:
    """Who applies the examples."""
    return Tenant(environment, environment.plane.api, "default", domain=f"mail.{ZONE}")


class Surroundings:
    """What the comments of the examples say must be there, and what people do after they have applied them."""

    def __init__(self, user: Tenant, folder: Path) -> None:
        self._user = user
        self._folder = folder

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
        if example == "manual":
            self._publish_what_status_says()
        elif example == "email":
            self._follow_links("billing@example.com", 2)
        elif example == "verification-template":
            self._follow_links("customer@example.net", 1)
        elif example == "audit":
            eventually(self._audit_is_told, timeout=PATIENCE, of="an audit")
        elif example == "adopt-and-keep":
            self._user.not_ready(Reason.SUSPENDED, "legacy")
            self._user.change("legacy", suspend=None)

    def _audit_is_told(self) -> bool:
        found = self._user.api.get(f"{ACCOUNTS}/default") or {}
        audit = found.get("status", {}).get("audit", {})
        return any(region["region"] == "eu-west-1" for region in audit.get("regions", ()))

    def _follow_links(self, address: str, emails: int) -> None:
        eventually(lambda: len(self._user.emails(address)) == emails, timeout=PATIENCE, of="the emails")
        self._user.follow_links(address)

    def witness(self, example: str) -> None:
        """What else is to come of it, before it is deleted."""
        if example == "notifications":
            eventually(self._notifications, timeout=PATIENCE, of="the email that says that it is verified")

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
        kubectl = self._user.environment.kubectl
        kubectl.apply(dnsendpoint_crd())
        kubectl.await_kinds("crd/dnsendpoints.externaldns.k8s.io")
        settings = Settings(owner_id="examples", arguments=["--label-filter=external-dns=public"])
        kubeconfig, url = self._user.environment.plane.kubeconfig, self._user.environment.sandbox.aws_url
        with ExternalDns(kubeconfig, url, settings, log=self._folder / "external-dns.log"):
            yield
            eventually(lambda: self._types() == {"TXT"}, timeout=PATIENCE, of="ExternalDNS to take the records away")
        self._user.clear_records()  # it never deletes TXT records

    def _types(self) -> set[str]:
        return {kind for _, kind in self._user.records()}

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
        self._user.environment.kubectl("label", "namespace", "default", "team=a")
        yield
        self._user.environment.kubectl("label", "namespace", "default", "team-")

    @contextmanager
    def _published_by_hand(self) -> Iterator[None]:
        yield
        self._user.clear_records()

    def _publish_what_status_says(self) -> None:
        def records() -> Any:
            identity = self._user.identity()
            return identity and identity.status.dns and identity.status.dns.records

        for record in eventually(records, timeout=PATIENCE, of="the records to publish"):
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
def test_the_example_becomes_ready_and_goes(example: Path, user: Tenant, kubectl: Kubectl, tmp_path: Path) -> None:
    manifests = list(yaml.safe_load_all(example.read_text(encoding="utf-8")))
    accounts = [manifest for manifest in manifests if manifest["kind"] == "SesAccount"]
    identities = [manifest for manifest in manifests if manifest["kind"] == "SesIdentity"]
    surroundings = Surroundings(user, tmp_path)
    with surroundings.around(example.stem):
        if not accounts:
            user.environment.add_account()
        kubectl.apply(example)
        for account in accounts:
            surroundings.lead_to_the_sandbox(account)
        surroundings.follow_up(example.stem)

        for manifest in accounts + identities:
            named = f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"
            kubectl("wait", "--for=condition=Ready", named, "-n", "default", "--timeout=90s")
        surroundings.witness(example.stem)
        if example.stem not in CHANGED_BY_HAND:
            assert out_of_sync(kubectl, accounts + identities) == {}

        for manifest in identities:
            found = user.at_ses(manifest["spec"].get("domain") or manifest["spec"]["email"])
            assert found.keys() == set(manifest["spec"]["regions"])
            name = manifest["metadata"]["name"]
            assert all(_owner(identity) == f"tests/default/{name}" for identity in found.values())
        kubectl("delete", f"--filename={example}", "--timeout=90s")
        kubectl("delete", "sesaccount", "default", "--ignore-not-found", "--timeout=90s")
    assert user.at_ses() == {}
    assert user.records() == {}


def _owner(identity: Mapping[str, Any]) -> str | None:
    return next((tag["Value"] for tag in identity["Tags"] if tag["Key"] == OWNER_TAG), None)
