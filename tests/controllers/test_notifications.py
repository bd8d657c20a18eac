"""Emails about identities: each change reported once, many in a digest, and no reconcile waits for one."""

from __future__ import annotations

import pytest

from cluster.mailroom import MONTREAL, Mailroom
from cluster.tenant import Tenant
from controllers.world import World
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason


@pytest.fixture
def mailroom(tenant: Tenant) -> Mailroom:
    """The tenant, whose account reports to a platform team."""
    return Mailroom(tenant)


def test_a_stuck_identity_is_reported_once_and_that_it_is_verified_once_through_a_restart(
    mailroom: Mailroom, world: World
) -> None:
    mailroom.open(replyTo=[f"desk@ops.{mailroom.tenant.domain}"])
    mailroom.add("mail")
    domain = f"mail.{mailroom.tenant.domain}"

    (stuck,) = mailroom.gets(domain)
    assert stuck["subject"] == f"[tests] {domain} is stuck ({Reason.MANUAL_RECORDS_PENDING})"
    assert (stuck["to"], stuck["region"]) == ([mailroom.recipient], MONTREAL)
    assert stuck["reply_to"] == [f"desk@ops.{mailroom.tenant.domain}"]
    message = mailroom.tenant.not_ready(Reason.MANUAL_RECORDS_PENDING).message
    for body in (stuck["text"], stuck["html"]):
        assert f"{mailroom.tenant.namespace}/mail" in body
        assert MONTREAL in body
        assert message in body
    assert stuck["html"].startswith("<!DOCTYPE html>")
    mailroom.tenant.wait(lambda: mailroom.notified("mail") == "Stuck", "status to say that it was told")

    world.restart()
    mailroom.publish("mail")

    (_, verified) = mailroom.gets(domain, count=2)
    assert verified["subject"] == f"[tests] {domain} is verified"
    mailroom.tenant.wait(lambda: mailroom.notified("mail") is None, "status to say no more of it")
    assert len(mailroom.mail(domain)) == 2


def test_of_many_at_once_few_are_reported_singly_and_the_rest_in_a_digest(mailroom: Mailroom) -> None:
    names = [f"m{number}" for number in range(8)]
    for name in names:
        mailroom.add(name)
    for name in names:
        mailroom.tenant.not_ready(Reason.MANUAL_RECORDS_PENDING, name)
    mailroom.open(maxPerHour=3, digestAfter="1s", moments=["Stuck"], stuckAfter="1s")

    mailroom.tenant.wait(lambda: all(mailroom.notified(name) == "Stuck" for name in names), "all to be reported")
    assert len(mailroom.mail("is stuck")) == 2
    (digest,) = mailroom.mail("identities")
    assert "6 identities: 6 stuck" in digest["subject"]
    singly = " ".join(mail["subject"] for mail in mailroom.mail("is stuck"))
    told = [f"{name}.{mailroom.tenant.domain}" in digest["html"] for name in names if name not in singly]
    assert told == [True] * 6


def test_an_email_that_ses_does_not_take_holds_nothing_up_and_is_sent_when_it_does(mailroom: Mailroom) -> None:
    mailroom.open(verified=False)
    mailroom.add("mail")

    mailroom.tenant.wait(mailroom.complaint, "the account to say that an email was not sent")
    said = mailroom.complaint()
    assert said is not None
    assert said.reason == Reason.FROM_ADDRESS_NOT_VERIFIED
    assert mailroom.sender in said.message
    events = mailroom.tenant.api.get("/api/v1/namespaces/default/events") or {"items": []}
    assert any(event["reason"] == said.reason and mailroom.sender in event["message"] for event in events["items"])
    mailroom.publish("mail")
    mailroom.tenant.ready("mail")
    assert mailroom.mail() == []

    mailroom.verify_sender()
    mailroom.change_account({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: "now"}}})

    assert "is verified" in mailroom.gets(f"mail.{mailroom.tenant.domain}")[0]["subject"]
    mailroom.tenant.wait(lambda: mailroom.complaint() is None, "the account to complain no more")
