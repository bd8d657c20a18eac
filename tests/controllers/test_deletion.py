"""Every way in which an identity may go: ordered, complete, and never stuck without a way out in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.host import open_gate
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import OPERATOR_NAMESPACE
from devcluster.sandbox_process import ACCOUNT_ID
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def tells_the_way_out(message: str) -> bool:
    return "spec.deletionPolicy" in message and "Retain" in message


def nothing_is_left(tenant: Tenant) -> bool:
    return tenant.at_ses() == {} and tenant.records() == {}


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
        assert tells_the_way_out(message)
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


def test_deletion_in_the_middle_of_creation_leaves_nothing_whatever_was_written_before(
    tenant: Tenant, world: World
) -> None:
    for moment in count():
        writes = count()
        world.host.gate = deleting_at(moment, writes, tenant)
        tenant.create(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
        world.settle()
        world.host.gate = open_gate
        tenant.delete()
        tenant.gone()
        assert nothing_is_left(tenant)
        if next(writes) <= moment:
            break
    assert moment >= 6, "finalizer, inventory, two identities, two MAIL FROM domains"


def deleting_at(moment: int, writes: Iterator[int], tenant: Tenant) -> Callable[[], None]:
    """A gate that lets every write go, and at one of them has the object deleted."""

    def gate() -> None:
        if next(writes) == moment:
            tenant.delete()

    return gate


def test_deletion_before_anything_was_made_leaves_nothing(tenant: Tenant) -> None:
    tenant.create(IRELAND)
    tenant.delete()
    tenant.gone()

    assert nothing_is_left(tenant)


def test_an_object_that_goes_in_spite_of_its_new_finalizer_leaves_nothing(tenant: Tenant, world: World) -> None:
    """The apiserver removes an object at once if it looked at it just before the finalizer was confirmed."""
    tenant.create(IRELAND, VIRGINIA)
    world.settle()
    assert not nothing_is_left(tenant)

    tenant.environment.plane.lose("sesidentities.ses-operator.io", tenant.namespace, "mail")
    world.look()

    tenant.wait(lambda: nothing_is_left(tenant), "everything to be taken back")


def test_an_account_stays_until_its_identities_are_gone(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)

    tenant.delete_account()

    account = tenant.api.get(f"{ACCOUNTS}/{tenant.account}")
    assert account is not None
    assert account["metadata"]["deletionTimestamp"]
    tenant.delete()
    tenant.gone()
    assert nothing_is_left(tenant)
    tenant.wait(
        lambda: tenant.api.get(f"{ACCOUNTS}/{tenant.account}") is None,
        "the account to go",
    )


def test_without_its_account_an_identity_says_how_to_get_rid_of_it(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    account = f"{ACCOUNTS}/{tenant.account}"
    tenant.delete_account()
    tenant.api.patch(account, {"metadata": {"finalizers": None}})  # as people do who are in a hurry
    tenant.not_ready(Reason.ACCOUNT_NOT_FOUND)

    tenant.delete()

    assert tells_the_way_out(tenant.waits_for_deletion(Reason.ACCOUNT_NOT_FOUND))
    tenant.change(deletionPolicy="Retain")
    tenant.gone()
    assert tenant.at_ses().keys() == {IRELAND}


def test_without_credentials_an_identity_waits_until_they_are_back(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    secret = f"{tenant.account}-credentials"
    secrets = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets"
    tenant.api.delete(f"{secrets}/{secret}")
    tenant.account_not_ready(Reason.SECRET_NOT_FOUND)

    tenant.delete()

    assert tells_the_way_out(tenant.waits_for_deletion(Reason.SECRET_NOT_FOUND))
    tenant.api.apply(f"{secrets}/{secret}", tenant.environment.secret(secret))
    tenant.gone()
    assert nothing_is_left(tenant)


def associated(tenant: Tenant, region: str, *names: str) -> str:
    """Associate the identity with new tenants of SES; return its ARN."""
    ses = tenant.ses(region)
    arn = f"arn:aws:ses:{region}:{ACCOUNT_ID}:identity/{tenant.domain}"
    for name in names:
        ses.create_tenant(TenantName=name)
        ses.create_tenant_resource_association(TenantName=name, ResourceArn=arn)
    return arn


def test_tenants_that_hold_up_the_deletion_are_named_and_it_goes_on_when_they_have_let_go(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    records = tenant.records()
    names = [f"customer-{number}" for number in range(7)]
    arn = associated(tenant, IRELAND, *names)
    tenant.delete()

    message = tenant.waits_for_deletion(Reason.DELETION_BLOCKED)
    assert "customer-0, customer-1, customer-2, customer-3, customer-4 and 2 more" in message
    assert IRELAND in message
    assert "DeleteTenantResourceAssociation" in message
    assert tells_the_way_out(message)
    assert tenant.at_ses().keys() == {IRELAND}
    assert tenant.records() == records

    for name in names:
        tenant.ses(IRELAND).delete_tenant_resource_association(TenantName=name, ResourceArn=arn)
    tenant.gone()
    assert nothing_is_left(tenant)


def test_tenants_hold_up_a_region_that_is_removed_too(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    arn = associated(tenant, VIRGINIA, "acme")
    tenant.change(regions=[IRELAND])
    explains(tenant, Reason.DELETION_BLOCKED, VIRGINIA, "acme", "DeleteTenantResourceAssociation")

    tenant.ses(VIRGINIA).delete_tenant_resource_association(TenantName="acme", ResourceArn=arn)
    tenant.wait(lambda: tenant.at_ses().keys() == {IRELAND}, "the region to go")
    tenant.ready()


def test_without_the_right_to_ask_for_tenants_the_words_of_ses_are_passed_on(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    associated(tenant, IRELAND, "acme")
    with tenant.refusing("ListResourceTenants"):
        tenant.delete()
        assert "it has tenant associations" in tenant.waits_for_deletion(Reason.DELETION_BLOCKED)
    tenant.change(deletionPolicy="Retain")
    tenant.gone()


def test_nothing_asks_for_tenants_while_nothing_is_refused(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    associated(tenant, IRELAND, "acme")
    tenant.reconciled()
    assert not [call for call in tenant.calls() if call["operation"] == "ListResourceTenants"]
