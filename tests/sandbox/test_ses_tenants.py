"""Tenants, as far as they hold up the deletion of what is associated with them, and what may be sent for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, refused, ses_world, verified_domain

SIMPLE = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "world"}}}}
WORDS = "because it has tenant associations. Remove all tenant associations and try again."


@pytest.fixture
def world() -> Iterator[SesWorld]:
    """example.com and the configuration set main, both associated with the tenant acme."""
    with ses_world() as world:
        client = world.client()
        client.create_email_identity(EmailIdentity="example.com")
        client.create_configuration_set(ConfigurationSetName="main")
        client.create_tenant(TenantName="acme")
        for resource in ("identity/example.com", "configuration-set/main"):
            client.create_tenant_resource_association(TenantName="acme", ResourceArn=arn(world, resource))
        yield world


def arn(world: SesWorld, resource: str) -> str:
    return f"arn:aws:ses:{REGION}:{world.account}:{resource}"


def tenants_of(world: SesWorld, resource: str) -> list[str]:
    answer = world.client().list_resource_tenants(ResourceArn=arn(world, resource))
    return [found["TenantName"] for found in answer["ResourceTenants"]]


def test_what_a_tenant_has_is_listed_from_both_ends(world: SesWorld) -> None:
    """API reference, ListTenantResources, ListResourceTenants."""
    listed = world.client().list_tenant_resources(TenantName="acme")["TenantResources"]
    assert sorted(found["ResourceType"] for found in listed) == ["CONFIGURATION_SET", "EMAIL_IDENTITY"]
    assert tenants_of(world, "identity/example.com") == ["acme"]
    world.client().create_tenant(TenantName="beta")
    world.client().create_tenant_resource_association(TenantName="beta", ResourceArn=arn(world, "identity/example.com"))
    assert tenants_of(world, "identity/example.com") == ["acme", "beta"]
    page = world.client().list_resource_tenants(ResourceArn=arn(world, "identity/example.com"), PageSize=1)
    rest = world.client().list_resource_tenants(
        ResourceArn=arn(world, "identity/example.com"), NextToken=page["NextToken"]
    )
    assert [found["TenantName"] for found in rest["ResourceTenants"]] == ["beta"]


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("sesv2", "delete_email_identity", {"EmailIdentity": "example.com"}, "BadRequestException"),
        ("ses", "delete_identity", {"Identity": "example.com"}, "InvalidParameterValue"),
        ("sesv2", "delete_configuration_set", {"ConfigurationSetName": "main"}, "BadRequestException"),
    ],
)
def test_what_has_tenants_cannot_be_deleted(
    world: SesWorld, service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    with refused(code, WORDS):
        getattr(world.client(service), operation)(**params)
    world.client().delete_tenant(TenantName="acme")
    getattr(world.client(service), operation)(**params)


def test_an_association_ends_by_itself_too_and_twice(world: SesWorld) -> None:
    client = world.client()
    for _ in range(2):
        client.delete_tenant_resource_association(TenantName="acme", ResourceArn=arn(world, "identity/example.com"))
    assert tenants_of(world, "identity/example.com") == []
    client.delete_email_identity(EmailIdentity="example.com")


def test_associations_are_of_what_exists_here_and_are_made_once(world: SesWorld) -> None:
    associate = world.client().create_tenant_resource_association
    with refused("AlreadyExistsException"):
        associate(TenantName="acme", ResourceArn=arn(world, "identity/example.com"))
    with refused("NotFoundException"):
        associate(TenantName="acme", ResourceArn=arn(world, "identity/absent.com"))
    with refused("NotFoundException", "none"):
        associate(TenantName="none", ResourceArn=arn(world, "identity/example.com"))
    with refused("BadRequestException"):
        associate(TenantName="acme", ResourceArn=arn(world, "identity/example.com").replace(REGION, OTHER_REGION))
    with refused("AlreadyExistsException"):
        world.client().create_tenant(TenantName="acme")


def test_a_tenant_sends_with_what_it_has_only() -> None:
    """Seen in public (PostHog 75863): identity and configuration set, the default one included, have to be its own."""
    with ses_world() as world:
        verified_domain(world)
        world.control("POST", "/account", {"account": world.account, "productionAccess": True, "max24HourSend": -1})
        client = world.client()
        client.create_tenant(TenantName="acme")
        message = {
            "FromEmailAddress": "a@example.com",
            "Destination": {"ToAddresses": ["b@example.org"]},
            "Content": SIMPLE,
            "TenantName": "acme",
        }
        with refused("AccessDeniedException", f"[{arn(world, 'identity/example.com')}]"):
            client.send_email(**message)
        client.create_tenant_resource_association(TenantName="acme", ResourceArn=arn(world, "identity/example.com"))
        client.send_email(**message)
