"""How the operator comes into AWS accounts: keys, roles, endpoints. An AWS that knows its users and checks what they may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.tenant import ZONE, Tenant
from cluster.verdicts import explains
from controllers.guarded.accounts import add_account, give_key, keys_of, put_secret
from controllers.guarded.aws_accounts import AwsAccount, allow
from controllers.host import Host
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import OPERATOR_NAMESPACE
from devcluster.sandbox_process import ACCOUNT_ID
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.conditions import Condition, ConditionType, find
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason

PARIS, TOKYO = "eu-west-3", "ap-northeast-1"
MAIL, TOOLS = "210987654321", "333344445555"
ISSUER = "kubernetes.default.svc"
EXTERNAL_ID = "k8s-production"


@pytest.fixture
def mail(host: Host) -> AwsAccount:
    return AwsAccount(host.sandbox, MAIL)


@pytest.fixture
def tools(host: Host) -> AwsAccount:
    return AwsAccount(host.sandbox, TOOLS)


def _account(tenant: Tenant) -> SesAccount:
    found = tenant.api.get(f"{ACCOUNTS}/{tenant.account}")
    assert found is not None
    return SesAccount.model_validate(found)


def _account_is_ready(tenant: Tenant) -> Condition:
    """Waits until the tenant's SesAccount is ready; its condition then."""

    def ready() -> Condition | None:
        condition = find(_account(tenant).status.conditions, ConditionType.READY)
        return condition if condition and condition.is_true else None

    condition = tenant.wait(ready, "the account to be ready")
    assert condition is not None
    return condition


@dataclass(frozen=True)
class Roles:
    """The operator's user is in one AWS account, SES in another, the zone in a third; roles lead from each to the next."""

    key_id: str
    ses: str
    zone: str
    zone_id: str

    @property
    def credentials(self) -> Mapping[str, Any]:
        return {"assumeRole": {"roleARN": self.ses, "externalID": EXTERNAL_ID, "sessionName": "operator-of-the-tests"}}

    @property
    def dns(self) -> Mapping[str, Any]:
        zone = {"name": "corp", "hostedZoneID": self.zone_id, "roleARN": self.zone, "externalID": "dns-production"}
        return {"zones": [zone]}


@pytest.fixture
def roles(host: Host, namespace: str, home: AwsAccount, mail: AwsAccount, tools: AwsAccount) -> Roles:
    key_id = tools.add_user(namespace, allow("sts:AssumeRole"))
    ses = mail.add_role(
        namespace, trusted=tools.user_arn(namespace), external_id=EXTERNAL_ID,
        statements=(allow("ses:*", "sts:AssumeRole"),),
    )  # fmt: skip
    zone = home.add_role(
        namespace, trusted=ses, external_id="dns-production", statements=(allow("route53:*"),)
    )  # fmt: skip
    return Roles(key_id, ses, zone, host.sandbox.zones[ZONE])


@pytest.mark.parametrize("route53", [{"zoneRef": {"name": "corp"}}, {}], ids=["named", "longest match"])
def test_an_identity_is_made_in_the_account_of_one_role_and_its_records_in_that_of_another(
    tenant: Tenant, roles: Roles, home: AwsAccount, mail: AwsAccount, route53: Mapping[str, Any]
) -> None:
    since = tenant.last_call()
    add_account(tenant, roles.key_id, credentials=roles.credentials, dns=roles.dns)

    identity = tenant.create_ready(PARIS, dns={"route53": route53})

    assert mail.identities(tenant.domain).keys() == {PARIS}
    assert home.identities(tenant.domain) == {}
    assert identity.status.regions[0].arn == f"arn:aws:ses:{PARIS}:{MAIL}:identity/{tenant.domain}"
    account = _account(tenant)
    assert account.status.account_id == MAIL
    callers = {
        (call["service"], call["operation"]): call["caller"]
        for call in tenant.calls(since=since)
        if call["account"] in (MAIL, ACCOUNT_ID)
    }
    assert callers["ses", "CreateEmailIdentity"] == f"{_session(roles.ses)}/operator-of-the-tests"
    assert callers["route53", "ChangeResourceRecordSets"] == f"{_session(roles.zone)}/ses-operator"

    tenant.delete()
    tenant.gone()
    assert mail.identities(tenant.domain) == {}
    assert home.records(roles.zone_id, tenant.domain) == set()


def _session(role_arn: str) -> str:
    return role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")


def test_a_role_that_asks_for_another_external_id_is_told_and_assumed_once_it_is_right(
    tenant: Tenant, roles: Roles, tools: AwsAccount
) -> None:
    wrong = {"assumeRole": {"roleARN": roles.ses, "externalID": "of-somebody-else"}}
    add_account(tenant, roles.key_id, credentials=wrong, dns=roles.dns)
    tenant.create(PARIS)
    explains(tenant, Reason.ACCESS_DENIED, tools.user_arn(tenant.namespace), roles.ses, "external id", "trust policy")
    tenant.account_not_ready(Reason.ACCESS_DENIED)

    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"credentials": roles.credentials}})

    tenant.ready()


def test_keys_are_rotated_without_anybody_noticing(tenant: Tenant, home: AwsAccount) -> None:
    old = home.add_user(f"{tenant.namespace}-old")
    add_account(tenant, old)
    tenant.create_ready(PARIS)
    since, mark = _account_is_ready(tenant), tenant.environment.plane.audit.mark()
    new = home.add_user(f"{tenant.namespace}-new")

    give_key(tenant, new)
    tenant.wait(lambda: new in _keys(tenant), "a call with the new key")
    home.withdraw_key(f"{tenant.namespace}-old", old)

    tenant.reconciled()
    assert tenant.ready().status.verified_regions == "1/1"
    assert _account_is_ready(tenant) == since
    assert _statuses_written(tenant, mark) == ["mail"]  # that it was asked


def _statuses_written(tenant: Tenant, mark: int) -> list[str]:
    """The names of the tenant's identities and SesAccount, as often as their status was written."""
    return [
        write.name
        for write in tenant.environment.plane.audit.writes(since=mark)
        if write.subresource == "status"
        and (write.namespace == tenant.namespace or (write.namespace, write.name) == ("", tenant.account))
    ]


def _keys(tenant: Tenant, **wanted: str) -> set[str]:
    return {call["accessKey"] for call in tenant.calls(**wanted)}


def test_a_secret_that_is_not_labelled_is_read_when_a_person_asks(tenant: Tenant, home: AwsAccount) -> None:
    old, new = home.add_user(f"{tenant.namespace}-old"), home.add_user(f"{tenant.namespace}-new")
    add_account(tenant, old)
    tenant.create_ready(PARIS)
    unlabelled = tenant.environment.secret(keys_of(tenant), new)
    del unlabelled["metadata"]["labels"]  # which apply takes away
    put_secret(tenant, unlabelled)

    request = {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: "now"}}}
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", request)

    tenant.wait(lambda: new in _keys(tenant), "a call with the new key")
    tenant.wait(lambda: _account(tenant).status.last_handled_reconcile_at == "now", "the account to say so")
    tenant.ready()


def test_withdrawn_keys_are_told_by_the_account_once_and_all_its_identities_wait_for_new_ones(
    tenant: Tenant, home: AwsAccount
) -> None:
    key = home.add_user(tenant.namespace)
    add_account(tenant, key)
    names = ("mail", "news", "shop")
    for name in names:
        tenant.create(TOKYO, name=name, domain=f"{name}.{tenant.domain}")
    before = {name: tenant.ready(name).metadata.uid for name in names}
    mark = tenant.environment.plane.audit.mark()

    home.withdraw_key(tenant.namespace, key)

    tenant.account_not_ready(Reason.CREDENTIALS_REJECTED)
    for name in names:
        said = tenant.not_ready(Reason.CREDENTIALS_REJECTED, name)
        assert "Check the credentials of the SesAccount" in said.message
    give_key(tenant, home.iam.create_access_key(UserName=tenant.namespace)["AccessKey"]["AccessKeyId"])
    assert {name: tenant.ready(name).metadata.uid for name in names} == before
    _account_is_ready(tenant)
    written = _statuses_written(tenant, mark)
    told = [name for name in written if name != tenant.account]
    assert sorted(told) == sorted(2 * names)  # that they are rejected, and that they work
    assert written.count(tenant.account) in (2, 3)  # a region may say so before STS does
    assert all(home.identities(f"{name}.{tenant.domain}").keys() == {TOKYO} for name in names)


def test_a_service_account_stands_for_the_credentials_and_its_token_is_renewed(
    tenant: Tenant, host: Host, home: AwsAccount
) -> None:
    service_accounts = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/serviceaccounts"
    service_account = {"metadata": {"name": tenant.namespace}}
    tenant.api.create(service_accounts, service_account)
    subject = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{tenant.namespace}"
    role = home.add_web_role(tenant.namespace, issuer=ISSUER, subject=subject)
    account = host.environment.account(tenant.account, "", host.sandbox.aws_url, {})
    identity = {"serviceAccountRef": {"name": tenant.namespace}, "roleARN": role, "sessionName": "by-token"}
    account["spec"]["credentials"] = {"webIdentity": identity}
    tenant.api.apply(f"{ACCOUNTS}/{tenant.account}", account)

    uid = tenant.create_ready(PARIS).metadata.uid

    callers = {call["caller"] for call in tenant.calls(service="ses", identity=tenant.domain)}
    assert callers == {f"{_session(role)}/by-token"}
    since = tenant.last_call()
    host.sandbox.ask("sessions/expire", {})
    tenant.reconciled()
    called = tenant.calls(operation="GetEmailIdentity", since=since)
    assert any(call["error"] is None for call in called), "with new credentials"
    tenant.api.delete(f"{service_accounts}/{tenant.namespace}")
    host.sandbox.ask("sessions/expire", {})
    tenant.account_not_ready(Reason.SERVICE_ACCOUNT_NOT_FOUND)
    tenant.not_ready(Reason.SERVICE_ACCOUNT_NOT_FOUND)

    tenant.api.create(service_accounts, service_account)

    assert tenant.ready().metadata.uid == uid
    assert home.identities(tenant.domain).keys() == {PARIS}


def test_each_service_is_asked_at_its_own_endpoint(
    open_host: Host, host: Host, tenant: Tenant, home: AwsAccount
) -> None:
    key = home.add_user(tenant.namespace)
    here, elsewhere = host.sandbox.aws_url, open_host.sandbox.aws_url
    add_account(tenant, key, endpoints={"sesv2": elsewhere, "ses": elsewhere, "route53": here, "sts": here})

    tenant.create(PARIS)

    tenant.wait(lambda: home.records(host.sandbox.zones[ZONE], tenant.domain), "the records")
    asked = {(url, call["service"]) for url, call in _asked_with(key, open_host, host)}
    assert asked == {(elsewhere, "ses"), (here, "route53"), (here, "sts")}


def _asked_with(key: str, *hosts: Host) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for host in hosts:
        for call in host.sandbox.ask("calls?limit=100000")["calls"]:
            if call["accessKey"] == key:
                yield host.sandbox.aws_url, call


@pytest.mark.parametrize("allowed", [8, 1], ids=["as told", "much less"])
def test_an_account_keeps_to_its_requests_per_second(tenant: Tenant, host: Host, allowed: float) -> None:
    told, count = 8, 12
    account = AwsAccount(host.sandbox, f"{60_000_000_000 + allowed:012}")
    zone = f"{tenant.namespace}.test"
    account.route53.create_hosted_zone(Name=zone, CallerReference=zone)
    add_account(tenant, account.add_user(tenant.namespace), requestsPerSecond=told)
    _account_is_ready(tenant)
    with _throttled(host, allowed):
        for number in range(count):
            tenant.create(PARIS, name=f"mail-{number}", domain=f"mail-{number}.{zone}")
        for number in range(count):
            tenant.ready(f"mail-{number}")

    results = [call["error"] for call in tenant.calls(service="ses") if call["account"] == account.account_id]
    throttled = results.count("TooManyRequestsException")
    assert (throttled <= len(results) / 100) == (allowed == told), f"{throttled} of {len(results)} calls throttled"


@contextmanager
def _throttled(host: Host, rate: float) -> Iterator[None]:
    """Within the block SES takes so many requests per second of the operator's clock."""
    throttle = host.sandbox.server.throttle
    before, throttle.monotonic, throttle.rate = throttle.monotonic, host.loop.time, rate
    try:
        yield
    finally:
        throttle.monotonic, throttle.rate = before, 0
