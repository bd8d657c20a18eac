"""Every way in which an identity may go: ordered, complete, and never stuck without a way out in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.kubectl import Kubectl
from devcluster.waiting import eventually
from ses_operator.api.base.reasons import Reason

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
WAY_OUT = "set spec.deletionPolicy to Retain"


def nothing_is_left(tenant: Tenant) -> bool:
    return tenant.at_ses() == {} and tenant.records() == {}


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_kubectl_delete_returns_when_everything_is_gone(tenant: Tenant, kubectl: Kubectl, cascade: str) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})

    kubectl("delete", "sesid", "mail", "-n", tenant.namespace, f"--cascade={cascade}", "--timeout=90s")

    assert nothing_is_left(tenant)


def test_a_namespace_goes_with_its_identities(tenant: Tenant, kubectl: Kubectl) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)

    kubectl("delete", "namespace", tenant.namespace, "--timeout=90s")

    assert nothing_is_left(tenant)


def test_retain_leaves_identity_and_records_to_nobody(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, deletionPolicy="Retain")
    records = tenant.records()

    tenant.delete()
    tenant.gone()

    assert tenant.owners() == {IRELAND: None}
    ledger = (f"_ses-operator.{tenant.domain}", "TXT")
    assert tenant.records() == {key: values for key, values in records.items() if key != ledger}


def test_what_was_retained_can_be_adopted_and_then_deleted(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, deletionPolicy="Retain")
    tenant.delete()
    tenant.gone()

    tenant.create_ready(IRELAND, adoptionPolicy="IfUnowned")
    tenant.delete()
    tenant.gone()

    # The records were there already when it was adopted: they are not ours to delete.
    assert tenant.at_ses() == {}
    assert {kind for _, kind in tenant.records()} == {"CNAME"}


def test_a_suspended_identity_can_be_deleted(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    tenant.change(suspend=True)
    tenant.ready()

    tenant.delete()
    tenant.gone()

    assert nothing_is_left(tenant)


def test_what_is_gone_already_is_no_error(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    for region in (IRELAND, VIRGINIA):
        tenant.ses(region).delete_email_identity(EmailIdentity=tenant.domain)
    tenant.clear_records()

    tenant.delete()
    tenant.gone()


def test_records_stay_until_the_identity_is_deleted_in_every_region(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    records = tenant.records()
    with tenant.refusing("DeleteEmailIdentity"):
        tenant.delete()

        message = tenant.waits_for_deletion(Reason.ACCESS_DENIED)
        assert "ses:DeleteEmailIdentity" in message
        assert WAY_OUT in message
        assert tenant.records() == records

    tenant.request_reconcile()
    tenant.gone()
    assert nothing_is_left(tenant)


def test_retain_lets_go_of_an_object_whose_deletion_is_stuck(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    with tenant.refusing("DeleteEmailIdentity"):
        tenant.delete()
        tenant.waits_for_deletion(Reason.ACCESS_DENIED)

        tenant.change(deletionPolicy="Retain")
        tenant.gone()

    assert tenant.at_ses().keys() == {IRELAND}


def test_deletion_in_the_middle_of_creation_leaves_nothing(tenant: Tenant) -> None:
    tenant.create(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    eventually(tenant.at_ses, timeout=PATIENCE, of="the first region at SES")

    tenant.delete()
    tenant.gone()

    assert nothing_is_left(tenant)


def test_deletion_before_anything_was_made_leaves_nothing(tenant: Tenant) -> None:
    tenant.create(IRELAND)
    tenant.delete()
    tenant.gone()

    assert nothing_is_left(tenant)


def test_an_object_that_goes_in_spite_of_its_new_finalizer_leaves_nothing(tenant: Tenant) -> None:
    """The apiserver removes an object at once if it looked at it just before the finalizer was confirmed."""
    tenant.create(IRELAND, VIRGINIA)
    eventually(tenant.at_ses, timeout=PATIENCE, of="the first region at SES")

    tenant.environment.plane.lose("sesidentities.ses-operator.io", tenant.namespace, "mail")

    eventually(lambda: nothing_is_left(tenant), timeout=PATIENCE, of="everything to be taken back")


@pytest.fixture
def own_account(tenant: Tenant, environment: Environment) -> Iterator[Tenant]:
    """A tenant with a SesAccount of its own."""
    name = tenant.namespace
    environment.add_account(name)
    yield Tenant(environment, tenant.api, tenant.namespace, account=name)
    tenant.api.delete(f"{ACCOUNTS}/{name}")


def test_an_account_stays_until_its_identities_are_gone(own_account: Tenant) -> None:
    own_account.create_ready(IRELAND)

    own_account.delete_account()

    account = own_account.api.get(f"{ACCOUNTS}/{own_account.account}")
    assert account is not None
    assert account["metadata"]["deletionTimestamp"]
    own_account.delete()
    own_account.gone()
    assert nothing_is_left(own_account)
    eventually(
        lambda: own_account.api.get(f"{ACCOUNTS}/{own_account.account}") is None,
        timeout=PATIENCE,
        of="the account to go",
    )


def test_without_its_account_an_identity_says_how_to_get_rid_of_it(own_account: Tenant) -> None:
    own_account.create_ready(IRELAND)
    account = f"{ACCOUNTS}/{own_account.account}"
    own_account.delete_account()
    own_account.api.patch(account, {"metadata": {"finalizers": None}})  # as people do who are in a hurry
    own_account.not_ready(Reason.ACCOUNT_NOT_FOUND)

    own_account.delete()

    assert WAY_OUT in own_account.waits_for_deletion(Reason.ACCOUNT_NOT_FOUND)
    own_account.change(deletionPolicy="Retain")
    own_account.gone()
    assert own_account.at_ses().keys() == {IRELAND}


def test_without_credentials_an_identity_waits_until_they_are_back(
    own_account: Tenant, environment: Environment, kubectl: Kubectl
) -> None:
    own_account.create_ready(IRELAND)
    secret = f"{own_account.account}-credentials"
    kubectl("delete", "secret", secret, "-n", "ses-operator")
    own_account.account_not_ready(Reason.SECRET_NOT_FOUND)

    own_account.delete()

    assert WAY_OUT in own_account.waits_for_deletion(Reason.SECRET_NOT_FOUND)
    kubectl.apply(environment.secret(secret))
    own_account.gone()
    assert nothing_is_left(own_account)
