"""Verification templates: in every region, used by addresses, held while they are."""

from __future__ import annotations

from typing import Any

from cluster.templates import template
from cluster.tenant import Tenant
from devcluster.apiclient import GROUP
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason

SPAIN, MILAN = "eu-south-2", "eu-south-1"
REGIONS = (SPAIN, MILAN)


class Standing:
    """The template in the cluster, and what SES has of it."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    @property
    def path(self) -> str:
        return f"{GROUP}/namespaces/{self._tenant.namespace}/sesverificationtemplates/welcome"

    def apply(self, **spec: Any) -> None:
        self._tenant.api.apply(self.path, template(self._tenant, **spec))

    def delete(self) -> None:
        self._tenant.api.delete(self.path)

    def gone(self) -> None:
        """Waits until the object is gone."""
        self._tenant.wait(lambda: self._tenant.api.get(self.path) is None, "the template to go")

    @property
    def status(self) -> Any:
        found = self._tenant.api.get(self.path)
        assert found is not None
        return found.get("status", {})

    def says(self, ready: str, reason: Reason) -> str:
        """Waits until it is ready, or not, for this reason; the message then."""

        def message() -> Any:
            for condition in self.status.get("conditions", []):
                if condition["type"] == "Ready" and (condition["status"], condition["reason"]) == (ready, reason):
                    return condition["message"]
            return None

        return str(self._tenant.wait(message, f"the template to be {reason}"))

    def at_ses(self, region: str) -> list[str]:
        """Names of the templates that have this sender."""
        found = self._tenant.ses(region).list_custom_verification_email_templates()["CustomVerificationEmailTemplates"]
        sender = f"hello@{self._tenant.domain}"
        return [each["TemplateName"] for each in found if each["FromEmailAddress"] == sender]


def test_a_template_makes_the_emails_of_its_identities_and_goes_after_them(tenant: Tenant) -> None:
    standing, address = Standing(tenant), f"customer@{tenant.domain}"
    standing.apply(regions=[*REGIONS])
    assert SPAIN in standing.says("False", Reason.FROM_ADDRESS_NOT_VERIFIED)
    tenant.create_ready(*REGIONS)
    standing.says("True", Reason.SUCCEEDED)
    name = standing.status["templateName"]
    assert all(standing.at_ses(region) == [name] for region in REGIONS)
    made = tenant.ses(SPAIN).get_custom_verification_email_template(TemplateName=name)
    assert {"Key": OWNER_TAG, "Value": f"tests/{tenant.namespace}/welcome"} in made["Tags"]

    tenant.create(*REGIONS, name="customer", domain=None, email=address, verificationTemplateRef={"name": "welcome"})
    assert SPAIN in tenant.not_ready(Reason.PRODUCTION_ACCESS_NOT_GRANTED, "customer").message
    assert tenant.emails(address) == []
    for region in REGIONS:
        tenant.environment.sandbox.ask("account", {"region": region, "productionAccess": True})
    tenant.request_reconcile("customer")
    tenant.not_ready(Reason.WAITING_FOR_CLICK, "customer")
    assert {(mail["sender"], mail["subject"]) for mail in tenant.emails(address)} == {
        (f"hello@{tenant.domain}", "Please confirm")
    }
    tenant.follow_links(address)
    tenant.ready("customer")
    assert len(tenant.emails(address)) == 2
    assert all(
        {"Key": OWNER_TAG, "Value": f"tests/{tenant.namespace}/customer"} in each["Tags"]
        for each in tenant.at_ses(address).values()
    )

    standing.delete()
    assert "customer" in standing.says("False", Reason.TEMPLATE_IN_USE)
    assert standing.at_ses(SPAIN) == [name]
    tenant.delete("customer")
    standing.gone()
    assert all(standing.at_ses(region) == [] for region in REGIONS)
    tenant.delete()
    tenant.gone()


def test_a_body_that_ses_would_refuse_is_told_before_it_is_asked_and_a_region_that_leaves_loses_the_template(
    tenant: Tenant,
) -> None:
    standing = Standing(tenant)
    tenant.create_ready(*REGIONS)
    standing.apply(regions=[*REGIONS], content='<p>\n<a href="https://www.example.com">Here</a></p>')
    assert "<a>" in standing.says("False", Reason.TEMPLATE_INVALID)
    standing.apply(regions=[*REGIONS])
    standing.says("True", Reason.SUCCEEDED)
    standing.apply(regions=[MILAN], subject="Another")
    tenant.wait(lambda: standing.at_ses(SPAIN) == [], "the template to go")
    standing.says("True", Reason.SUCCEEDED)
    (name,) = standing.at_ses(MILAN)
    found = tenant.ses(MILAN).get_custom_verification_email_template(TemplateName=name)
    assert found["TemplateSubject"] == "Another"
    standing.delete()
    standing.gone()
    assert standing.at_ses(MILAN) == []
    tenant.delete()
    tenant.gone()
