"""SES gives up after 72 hours and takes back what it verified when records vanish: the way back needs no hand at SES."""

from __future__ import annotations

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.world import World
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import RecordStatus

PARIS, ZURICH, LONDON, MUMBAI = "eu-west-3", "eu-central-2", "eu-west-2", "ap-south-1"
MAIL_FROM = {"subdomain": "bounce"}


def test_what_failed_after_72_hours_is_asked_for_again_once_the_records_are_there(tenant: Tenant) -> None:
    tenant.create(PARIS, dns={"provider": "Manual"})
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING)
    tenant.environment.sandbox.ask("clock", {"advanceHours": 73})
    explains(tenant, Reason.VERIFICATION_FAILED, PARIS, "72 hours", f"_domainkey.{tenant.domain}")

    _publish(tenant)
    tenant.request_reconcile()

    tenant.ready()
    assert tenant.writes() == ["CreateEmailIdentity", "PutEmailIdentityDkimSigningAttributes"]


def test_records_that_vanish_are_published_again_and_verified_again(tenant: Tenant) -> None:
    tenant.create_ready(ZURICH)
    records = tenant.records()
    tenant.clear_records()

    _look_now(tenant)

    tenant.wait(lambda: tenant.records() == records, "the records to be back")
    tenant.wait(lambda: _is_told(tenant, Reason.VERIFICATION_REVOKED), "the Event that says so")
    tenant.ready()
    assert tenant.at_ses()[ZURICH]["VerificationStatus"] == "SUCCESS"
    assert tenant.writes() == ["CreateEmailIdentity"]


def test_records_of_people_that_vanish_are_asked_for_in_words(tenant: Tenant) -> None:
    tenant.create(LONDON, dns={"provider": "Manual"})
    _publish(tenant)
    tenant.ready()
    tenant.clear_records()

    _look_now(tenant)

    explains(tenant, Reason.VERIFICATION_REVOKED, LONDON, f"_domainkey.{tenant.domain}", "unsigned")
    _publish(tenant)
    _look_now(tenant)
    tenant.ready()
    assert tenant.writes() == ["CreateEmailIdentity"]


def test_a_mail_from_domain_that_failed_is_set_again_once_its_mx_is_there(tenant: Tenant) -> None:
    tenant.create(LONDON, dns={"provider": "Manual"}, mailFrom=MAIL_FROM)
    _publish(tenant, "CNAME")
    tenant.verified("1/1")
    tenant.environment.sandbox.ask("clock", {"advanceHours": 73})
    _ses_says_of_mail_from(tenant, "FAILED")
    tenant.reconciled()
    bounce = f"MX bounce-{LONDON}.{tenant.domain}"
    assert f"{LONDON}: {bounce}" in tenant.not_ready(Reason.MANUAL_RECORDS_PENDING).message

    _publish(tenant, "MX")
    tenant.reconciled()

    _ses_says_of_mail_from(tenant, "SUCCESS")
    tenant.request_reconcile()
    tenant.ready()
    set_mail_from = "PutEmailIdentityMailFromAttributes"
    assert tenant.writes() == ["CreateEmailIdentity", set_mail_from, set_mail_from]


def test_an_operator_that_dies_in_between_recovers_it_all_the_same(tenant: Tenant, world: World) -> None:
    tenant.create(MUMBAI, dns={"provider": "Manual"})
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING)
    tenant.environment.sandbox.ask("clock", {"advanceHours": 73})
    tenant.not_ready(Reason.VERIFICATION_FAILED)
    world.stop()

    _publish(tenant)
    world.start()

    tenant.ready()
    assert tenant.writes() == ["CreateEmailIdentity", "PutEmailIdentityDkimSigningAttributes"]


def _publish(tenant: Tenant, *kinds: str) -> None:
    """Publish what status lists, as a person does; of these types, where some are given."""

    def listed() -> list[RecordStatus]:
        identity = tenant.identity()
        dns = identity.status.dns if identity else None
        return [record for record in dns.records if not kinds or record.type in kinds] if dns else []

    for record in tenant.wait(listed, "the list of records"):
        label = record.name.removesuffix(tenant.domain).rstrip(".")
        value = f'"{record.values[0]}"' if record.type == "TXT" else record.values[0]
        tenant.add_record(label, record.type, value)


def _look_now(tenant: Tenant) -> None:
    """SES looks at the records, which it does at its own intervals else."""
    tenant.environment.sandbox.ask("state/check", {})


def _ses_says_of_mail_from(tenant: Tenant, status: str) -> None:
    """Waits until SES says so."""
    tenant.wait(
        lambda: tenant.at_ses()[LONDON]["MailFromAttributes"]["MailFromDomainStatus"] == status,
        f"the MAIL FROM domain to be {status}",
    )


def _is_told(tenant: Tenant, reason: Reason) -> bool:
    return any(said == reason for _, said, _ in tenant.events())


def test_an_address_whose_link_has_run_out_gets_another_email(tenant: Tenant) -> None:
    address = f"billing@{tenant.domain}"
    tenant.create(MUMBAI, domain=None, email=address)
    tenant.not_ready(Reason.WAITING_FOR_CLICK)
    tenant.environment.sandbox.ask("clock", {"advanceHours": 25})
    tenant.wait(lambda: len(tenant.emails(address)) == 2, "the second email")
    tenant.not_ready(Reason.WAITING_FOR_CLICK)
    tenant.follow_links(address)
    assert tenant.ready().status.verified_regions == "1/1"
    assert [call["operation"] for call in tenant.calls(identity=address) if "Verify" in call["operation"]] == [
        "VerifyEmailIdentity"
    ]
