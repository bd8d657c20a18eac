"""spec.suspend as a dry run: status lists each call and each record, AWS and DNS are left as they are."""

from __future__ import annotations

from cluster.tenant import Tenant
from cluster.verdicts import explains
from ses_operator.api.base.reasons import Reason

IRELAND, FRANKFURT = "eu-west-1", "eu-central-1"
MAIL_FROM = {"subdomain": "bounce"}


def test_before_anything_exists_the_calls_and_the_records_that_can_be_known_are_listed(tenant: Tenant) -> None:
    theirs = tenant.add_record(f"bounce-{IRELAND}", "TXT", '"v=spf1 -all"')
    begun = tenant.last_call()

    tenant.create(IRELAND, mailFrom=MAIL_FROM, dmarc={"policy": "reject"}, suspend=True)

    identity = explains(tenant, Reason.SUSPENDED, "7 changes are pending", "status.pendingChanges")
    changes = identity.status.pending_changes or ()
    assert all(any(word in change.description for change in changes) for word in (IRELAND, tenant.domain))
    assert [change.action for change in changes if change.region] == ["CreateIdentity", "SetMailFrom"]
    created = {
        change.record.name: change.record.values
        for change in changes
        if change.action == "CreateRecord" and change.record
    }
    assert created[f"_dmarc.{tenant.domain}"] == ("v=DMARC1; p=reject",)
    assert created[f"bounce-{IRELAND}.{tenant.domain}"] == (f"10 feedback-smtp.{IRELAND}.amazonses.com",)
    assert len(created) == 5, "and three whose tokens SES has yet to tell"
    (left,) = [change for change in changes if change.action == "LeaveRecord"]
    assert "v=spf1 -all" in left.description
    assert tenant.writes(since=begun) == []
    assert tenant.records().keys() == {theirs}
    said = {condition.type: condition.reason for condition in identity.status.conditions if not condition.is_true}
    assert set(said.values()) - {Reason.PROGRESSING} == {Reason.SUSPENDED}, "nothing is said to be about to happen"
    assert [region.reason for region in identity.status.regions] == [Reason.SUSPENDED]
    assert all(len(condition.message) < 200 for condition in identity.status.conditions)
    assert [why for kind, why, _ in tenant.events() if kind == "Warning" and why != Reason.ACCOUNT_IN_SANDBOX] == [], (
        "a person wanted it so"
    )


def test_a_suspended_identity_lists_what_it_would_change_and_remove_and_can_still_be_deleted(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, FRANKFURT, mailFrom=MAIL_FROM)
    tenant.ses(IRELAND).put_email_identity_dkim_attributes(EmailIdentity=tenant.domain, SigningEnabled=False)
    records, begun = tenant.records(), tenant.last_call()

    tenant.change(suspend=True, regions=[IRELAND], tags={"team": "payments"})

    identity = explains(tenant, Reason.SUSPENDED, "8 changes are pending", "status.pendingChanges")
    said = " ".join(change.description for change in identity.status.pending_changes or ())
    assert [
        word for word in (IRELAND, FRANKFURT, tenant.domain, "DKIM signing", "off", "tags") if word not in said
    ] == []
    actions = {(change.action, change.region) for change in identity.status.pending_changes or () if change.region}
    assert actions == {
        ("DeleteIdentity", FRANKFURT), ("SetSigning", IRELAND), ("TagIdentity", IRELAND),
    }  # fmt: skip
    deleted = {
        (change.record.name, change.record.type): change.record.values
        for change in identity.status.pending_changes or ()
        if change.action == "DeleteRecord" and change.record
    }
    assert len(deleted) == 3 + 2, "the records of Frankfurt, with their values"
    assert deleted[f"bounce-{FRANKFURT}.{tenant.domain}", "MX"] == (f"10 feedback-smtp.{FRANKFURT}.amazonses.com",)
    assert deleted.keys() <= records.keys()
    assert tenant.writes(since=begun) == []
    assert tenant.records() == records
    tenant.change(suspend=None)
    tenant.wait(lambda: tenant.at_ses().keys() == {IRELAND}, "what was listed to be done")
    assert tenant.ready().status.pending_changes is None
    left = {key for key in records if key not in deleted}
    tenant.wait(lambda: tenant.records().keys() == left, "the records of Frankfurt to go")
    tenant.change(suspend=True)
    tenant.delete()
    tenant.gone()
    assert tenant.at_ses() == {}
    assert tenant.records() == {}


def test_a_suspended_identity_of_which_nothing_is_to_be_done_stays_ready(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)

    tenant.change(suspend=True)

    assert tenant.reconciled().metadata.generation == tenant.ready().status.observed_generation
