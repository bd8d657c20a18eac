"""What an audit finds in an identity, and in the account of a region."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.audit import AuditSpec
from ses_operator.api.account.findings import Finding, Scope
from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.audit.progress import standards_of
from ses_operator.core.audit.rules import (
    ACCOUNT_RULES,
    IDENTITY_RULES,
    MAX_MESSAGE,
    AuditedAccount,
    AuditedIdentity,
    Claim,
    Holder,
    Standards,
    account_findings,
    holder_of,
    identity_findings,
)
from ses_operator.core.metrics.mail_figures import SendHistory, Window
from ses_operator.core.model.ses import (
    AccountFacts,
    DkimFacts,
    IdentityFacts,
    IdentityType,
    MailFromFacts,
    SigningOrigin,
    VerificationStatus,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
IRELAND = "eu-west-1"
NAME = "mail.example.com"
OWNER = "prod/team-a/mail"

SUCCESS, PENDING, FAILED = VerificationStatus.SUCCESS, VerificationStatus.PENDING, VerificationStatus.FAILED
REVOKED, NOT_STARTED = VerificationStatus.TEMPORARY_FAILURE, VerificationStatus.NOT_STARTED

DKIM = DkimFacts(SUCCESS, signing_enabled=True, tokens=("a", "b", "c"), signing_hosted_zone="dkim.amazonses.com")
MAIL_FROM = MailFromFacts(f"bounce.{NAME}", SUCCESS, "USE_DEFAULT_VALUE")
FLAWLESS = IdentityFacts(SUCCESS, DKIM, MAIL_FROM, tags={OWNER_TAG: OWNER})
ADDRESS = IdentityFacts(
    SUCCESS,
    replace(DKIM, status=NOT_STARTED, signing_enabled=False),
    tags={"owner": "x"},
    type=IdentityType.EMAIL_ADDRESS,
)
HELD = Holder(Claim.HELD, OWNER)
UNOWNED = Holder(Claim.UNOWNED)
STANDARDS = Standards.of(AuditSpec(), frozenset())


def policy(principal: Any, condition: Mapping[str, Any] | None = None) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ses:SendEmail", "Condition": condition or {}}
    return {"partner": json.dumps({"Statement": [statement]})}


def made(ago: timedelta) -> DkimFacts:
    return replace(DKIM, status=PENDING, last_key_generation=NOW - ago)


@dataclass(frozen=True)
class Case:
    title: str
    facts: IdentityFacts
    found: tuple[Finding, ...]
    holder: Holder = HELD
    standards: Standards = STANDARDS
    history: SendHistory | None = None


def with_policies(policies: dict[str, str]) -> IdentityFacts:
    return replace(FLAWLESS, policies=policies)


WINDOW = Window.of_days(90, NOW)


def sent(messages: int) -> SendHistory:
    return SendHistory(WINDOW, {NAME: messages}, covers_window=True)


SERVICE = {"Service": "ses.amazonaws.com"}
CASES = (
    Case("an identity of ours that is as it should be", FLAWLESS, ()),
    Case("one that SES has given up on", replace(FLAWLESS, verification_status=FAILED), (Finding.VERIFICATION_FAILED,)),
    Case(
        "one that has lost its records", replace(FLAWLESS, verification_status=REVOKED), (Finding.VERIFICATION_REVOKED,)
    ),
    Case(
        "one whose key has lost its records",
        replace(FLAWLESS, dkim=replace(DKIM, status=REVOKED)),
        (Finding.VERIFICATION_REVOKED,),
    ),
    Case(
        "one that is pending since its key was made, two days ago",
        replace(FLAWLESS, verification_status=PENDING, dkim=made(timedelta(days=2))),
        (Finding.VERIFICATION_PENDING,),
    ),
    Case(
        "one that is pending since yesterday, as its SesIdentity says, with an older key",
        replace(FLAWLESS, verification_status=PENDING, dkim=made(timedelta(days=60))),
        (),
        Holder(Claim.HELD, OWNER, NOW - timedelta(hours=23)),
    ),
    Case(
        "one that is pending for just as long as may be",
        replace(FLAWLESS, verification_status=PENDING),
        (Finding.VERIFICATION_PENDING,),
        Holder(Claim.HELD, OWNER, NOW - timedelta(hours=24)),
    ),
    Case("one of which nobody knows since when it is pending", replace(FLAWLESS, verification_status=PENDING), ()),
    Case("one that signs nothing", replace(FLAWLESS, dkim=replace(DKIM, signing_enabled=False)), (Finding.DKIM_OFF,)),
    Case(
        "a domain that was verified without DKIM",
        replace(FLAWLESS, dkim=replace(DKIM, status=NOT_STARTED)),
        (Finding.DKIM_OFF,),
    ),
    Case("a key that SES has given up on", replace(FLAWLESS, dkim=replace(DKIM, status=FAILED)), (Finding.DKIM_OFF,)),
    Case("another key on its way", replace(FLAWLESS, dkim=replace(DKIM, status=PENDING)), ()),
    Case(
        "a key of the customer's",
        replace(FLAWLESS, dkim=replace(DKIM, origin=SigningOrigin.EXTERNAL, key_length=None)),
        (),
    ),
    Case(
        "a MAIL FROM domain that SES has given up on",
        replace(FLAWLESS, mail_from=replace(MAIL_FROM, status=FAILED)),
        (Finding.MAIL_FROM_FAILED,),
    ),
    Case("a MAIL FROM domain on its way", replace(FLAWLESS, mail_from=replace(MAIL_FROM, status=PENDING)), ()),
    Case("a domain without MAIL FROM", replace(FLAWLESS, mail_from=None), (Finding.NO_MAIL_FROM,)),
    Case(
        "a failed domain without MAIL FROM and DKIM is a failed domain",
        replace(FLAWLESS, verification_status=FAILED, mail_from=None, dkim=replace(DKIM, status=FAILED)),
        (Finding.VERIFICATION_FAILED,),
    ),
    Case("an identity whose owner is gone", FLAWLESS, (Finding.ORPHANED,), Holder(Claim.GONE, OWNER)),
    Case("another installation's identity", FLAWLESS, (), Holder(Claim.ELSEWHERE, "other/team-b/mail")),
    Case("an identity with no tags", replace(FLAWLESS, tags={}), (Finding.UNMANAGED,), UNOWNED),
    Case("one whose owner tag is empty", replace(FLAWLESS, tags={"owner": " "}), (Finding.UNMANAGED,), UNOWNED),
    Case("one that somebody tagged by hand", replace(FLAWLESS, tags={"owner": "team-b"}), (), UNOWNED),
    Case(
        "one tagged with other keys that say who owns",
        replace(FLAWLESS, tags={"team": "b"}),
        (),
        UNOWNED,
        Standards.of(AuditSpec(owner_tags=("cost-centre", "team")), frozenset()),
    ),
    Case("a single address", ADDRESS, (Finding.EMAIL_IDENTITY,), UNOWNED),
    Case("one from which nothing was sent", FLAWLESS, (Finding.UNUSED,), history=sent(0)),
    Case("one from which a message was sent", FLAWLESS, (), history=sent(1)),
    Case("one of which it is not known whether anything was sent", FLAWLESS, (), history=SendHistory(WINDOW, {}, True)),
    Case("one in a region that has not counted for so long", FLAWLESS, (), history=SendHistory(WINDOW, {NAME: 0})),
    Case(
        "one that is younger than that",
        replace(FLAWLESS, dkim=replace(DKIM, last_key_generation=NOW - timedelta(days=3))),
        (),
        history=sent(0),
    ),
    Case(
        "one that cannot send yet",
        replace(FLAWLESS, verification_status=FAILED),
        (Finding.VERIFICATION_FAILED,),
        history=sent(0),
    ),
    Case("everybody may send", with_policies(policy("*")), (Finding.OPEN_SENDING_POLICY,)),
    Case("a service may send for all", with_policies(policy(SERVICE)), (Finding.OPEN_SENDING_POLICY,)),
    Case(
        "a service may send for one account",
        with_policies(policy(SERVICE, {"StringEquals": {"AWS:SourceAccount": "111122223333"}})),
        (),
    ),
    Case("some account may send", with_policies(policy({"AWS": "111122223333"})), ()),
    Case(
        "an account may send that is not one of those that may",
        with_policies(policy({"AWS": "111122223333"})),
        (Finding.OPEN_SENDING_POLICY,),
        standards=Standards.of(AuditSpec(), frozenset({"444455556666"})),
    ),
    Case("a policy that is none", with_policies({"odd": "no JSON"}), ()),
    Case(
        "a stranger's address that is stuck is two things",
        replace(ADDRESS, verification_status=FAILED, tags=None),
        (Finding.VERIFICATION_FAILED, Finding.UNMANAGED, Finding.EMAIL_IDENTITY),
        UNOWNED,
    ),
)


def of(case: Case, name: str = NAME) -> AuditedIdentity:
    return AuditedIdentity(name, IRELAND, case.facts, case.holder, NOW, case.history)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_an_audit_finds_in(case: Case) -> None:
    found = identity_findings(of(case), case.standards)
    assert tuple(each.finding for each in found) == case.found
    for each in found:
        assert each.message.startswith(f"{NAME} in {IRELAND}: ")
        assert each.message.endswith(each.finding.remedy)


ACCOUNT = AccountFacts(
    production_access=True,
    sending_enabled=True,
    enforcement_status="HEALTHY",
    max_24_hour_send=1000.0,
    sent_last_24_hours=10.0,
)
ACCOUNT_CASES = (
    ("as it should be", ACCOUNT, 10, ()),
    ("in the sandbox", replace(ACCOUNT, production_access=False), 10, (Finding.ACCOUNT_IN_SANDBOX,)),
    ("on probation", replace(ACCOUNT, enforcement_status="PROBATION"), 10, (Finding.ACCOUNT_UNDER_REVIEW,)),
    (
        "shut down",
        replace(ACCOUNT, enforcement_status="SHUTDOWN", sending_enabled=False),
        10,
        (Finding.ACCOUNT_UNDER_REVIEW, Finding.SENDING_PAUSED),
    ),
    ("near its quota", replace(ACCOUNT, sent_last_24_hours=800.0), 10, (Finding.SEND_QUOTA_NEAR_END,)),
    ("not yet near its quota", replace(ACCOUNT, sent_last_24_hours=799.0), 10, ()),
    ("without limit", replace(ACCOUNT, max_24_hour_send=-1.0, sent_last_24_hours=1e9), 10, ()),
    ("almost full of identities", ACCOUNT, 8000, (Finding.IDENTITY_QUOTA_NEAR_END,)),
)


@pytest.mark.parametrize(
    ("facts", "count", "wanted"), [case[1:] for case in ACCOUNT_CASES], ids=[c[0] for c in ACCOUNT_CASES]
)
def test_an_account_is(facts: AccountFacts, count: int, wanted: tuple[Finding, ...]) -> None:
    found = account_findings(AuditedAccount(IRELAND, facts, count), STANDARDS)
    assert tuple(each.finding for each in found) == wanted
    assert all(each.identity == "" and each.message.startswith(f"{IRELAND}: ") for each in found)


def test_every_finding_is_found_by_one_of_the_cases() -> None:
    found = {finding for case in CASES for finding in case.found} | {f for case in ACCOUNT_CASES for f in case[3]}
    assert found == set(Finding)
    assert len(IDENTITY_RULES) == sum(finding.scope is Scope.IDENTITY for finding in Finding)
    assert len(ACCOUNT_RULES) == sum(finding.scope is Scope.ACCOUNT for finding in Finding)


@given(st.text(min_size=1, max_size=320), st.sampled_from(CASES))
def test_a_message_is_bounded_whatever_the_name(name: str, case: Case) -> None:
    facts = replace(case.facts, policies=policy("*" * 4000), mail_from=replace(MAIL_FROM, domain=name, status=FAILED))
    for found in identity_findings(of(replace(case, facts=facts), name), case.standards):
        assert len(found.message) <= MAX_MESSAGE


def test_accounts_that_may_be_let_send_are_those_of_the_guardrail() -> None:
    spec = SesAccountSpec.model_validate({"guardrails": {"sendingPolicies": {"allowedAccounts": ["111122223333"]}}})
    assert standards_of(spec, AuditSpec()).accounts == {"111122223333"}


def identity(regions: list[str], **more: Any) -> SesIdentity:
    metadata = {"namespace": "team-a", "name": "mail", **more.pop("metadata", {})}
    return SesIdentity.model_validate({"metadata": metadata, "spec": {"domain": NAME, "regions": regions}, **more})


INVENTORY = {"annotations": {"ses-operator.io/inventory": json.dumps({"regions": [IRELAND]})}}
SINCE = NOW - timedelta(hours=3)
HOLDERS = (
    ("nobody", None, Holder(Claim.GONE, OWNER)),
    ("who asks for it", identity([IRELAND]), HELD),
    ("who asks for it elsewhere", identity(["us-east-1"]), Holder(Claim.GONE, OWNER)),
    ("who does no more, and has yet to take it back", identity(["us-east-1"], metadata=INVENTORY), HELD),
    (
        "who waits for it",
        identity([IRELAND], status={"regions": [{"region": IRELAND, "pendingSince": SINCE.isoformat()}]}),
        Holder(Claim.HELD, OWNER, SINCE),
    ),
)


@pytest.mark.parametrize(("found", "wanted"), [case[1:] for case in HOLDERS], ids=[case[0] for case in HOLDERS])
def test_a_tag_names(found: SesIdentity | None, wanted: Holder) -> None:
    assert holder_of(OWNER, found, NAME, IRELAND) == wanted


def test_a_tag_on_another_identity_than_the_object_asks_for_is_an_orphans() -> None:
    assert holder_of(OWNER, identity([IRELAND]), f"old.{NAME}", IRELAND).claim is Claim.GONE
