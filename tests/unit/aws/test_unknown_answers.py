"""Values that SES may answer with one day, and that this version does not know: they are told as such, and change nothing.

What botocore's service models list as enumerations in the answers of the operations that the operator calls is here, all of it.
An operation or a member more has to be decided about.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import get_session

from docs.repository import files as tracked
from ses_operator.api.base.meta import OWNER_TAG, SETTINGS_MARK
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.ses.answers import account_facts, dkim_facts, identity_facts, listed_identities
from ses_operator.core.model.ses import UnknownValue, VerificationStatus
from ses_operator.core.planning.deletion import plan_deletion
from ses_operator.core.planning.plan import plan_identity, wanted_records
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.observed import Observed, Present, Remembered, Unread, legible
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import DeleteIdentity
from unit.strategies import DOMAIN, OWNER, wanted
from unit.world import NOW, TOKENS, covering

ROOT = Path(__file__).parents[3]
REGION, NEW = "eu-west-1", "AWS_SES_NEXT"
SERVICES = ("sesv2", "ses", "route53", "sts")

ANSWER: dict[str, Any] = {
    "IdentityType": "DOMAIN",
    "VerificationStatus": "SUCCESS",
    "VerifiedForSendingStatus": True,
    "FeedbackForwardingStatus": True,
    "DkimAttributes": {
        "SigningEnabled": True,
        "Status": "SUCCESS",
        "Tokens": list(TOKENS),
        "SigningHostedZone": "dkim.amazonses.com",
        "SigningAttributesOrigin": "AWS_SES",
        "CurrentSigningKeyLength": "RSA_2048_BIT",
        "NextSigningKeyLength": "RSA_2048_BIT",
    },
    "MailFromAttributes": {
        "MailFromDomain": f"bounce.{DOMAIN}",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
    },
    "Tags": [{"Key": OWNER_TAG, "Value": str(OWNER)}, {"Key": SETTINGS_MARK, "Value": "mailFrom"}],
    "VerificationInfo": {"ErrorType": "HOST_NOT_FOUND"},
}
SPEC: Desired = wanted(
    mail_from={REGION: MailFrom(f"bounce.{DOMAIN}", MailFromBehavior.USE_DEFAULT_VALUE, REGION)}, first_region=REGION
)

TOLD = {
    "IdentityType",
    "VerificationStatus",
    "DkimAttributes.Status",
    "DkimAttributes.SigningAttributesOrigin",
    "DkimAttributes.CurrentSigningKeyLength",
    "DkimAttributes.NextSigningKeyLength",
    "MailFromAttributes.MailFromDomainStatus",
    "MailFromAttributes.BehaviorOnMxFailure",
}
"""Of GetEmailIdentity: what the operator decides by."""

SHOWN = {"VerificationInfo.ErrorType"}
"""Of GetEmailIdentity: a word that status passes on, and that decides nothing."""

OTHERS = {
    ("sesv2", "CreateEmailIdentity", "IdentityType"): "not read",
    ("sesv2", "CreateEmailIdentity", "DkimAttributes.Status"): "told",
    ("sesv2", "CreateEmailIdentity", "DkimAttributes.SigningAttributesOrigin"): "told",
    ("sesv2", "CreateEmailIdentity", "DkimAttributes.CurrentSigningKeyLength"): "told",
    ("sesv2", "CreateEmailIdentity", "DkimAttributes.NextSigningKeyLength"): "told",
    ("sesv2", "PutEmailIdentityDkimSigningAttributes", "DkimStatus"): "told",
    ("sesv2", "ListEmailIdentities", "EmailIdentities.IdentityType"): "not read",
    ("sesv2", "ListEmailIdentities", "EmailIdentities.VerificationStatus"): "leads to a read",
    ("sesv2", "GetAccount", "VdmAttributes.VdmEnabled"): "not enabled",
    ("sesv2", "BatchGetMetricData", "Errors.Code"): "not read",
    ("route53", "ChangeResourceRecordSets", "ChangeInfo.Status"): "not read",
    ("route53", "GetChange", "ChangeInfo.Status"): "not in sync",
    ("route53", "ListResourceRecordSets", "ResourceRecordSets.Type"): "of others, kept",
}
"""The other enumerations that the operator reads, or could."""

NEVER_READ = {
    "SuppressionAttributes",
    "Details",
    "PricingAttributes",
    "HostedZone",
    "HostedZones",
    "VPCs",
    "NextRecordType",
}
NEVER_READ_MEMBERS = {"Region", "Failover", "DashboardAttributes", "GuardianAttributes"}


def operations() -> Iterator[tuple[str, str]]:
    """The operations whose names stand in the code."""
    named = {
        node.value
        for path in tracked(ROOT / "operator", ".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for service in SERVICES:
        for name in Loader().load_service_model(service, "service-2")["operations"]:
            if name in named:
                yield service, name


def enumerations(shape: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths of all enumerated members of a shape, lists left out."""
    if shape is None or len(path) > 8:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from enumerations(member, (*path, name))
    elif shape.type_name == "list":
        yield from enumerations(shape.member, path)
    elif getattr(shape, "enum", None):
        yield ".".join(path)


def enumerated() -> set[tuple[str, str, str]]:
    session = get_session()
    return {
        (service, operation, path)
        for service, operation in operations()
        for path in enumerations(session.get_service_model(service).operation_model(operation).output_shape)
        if not {path.split(".")[0]} & NEVER_READ and not set(path.split(".")) & NEVER_READ_MEMBERS
    }


def answered(path: str = "", value: str = NEW) -> dict[str, Any]:
    """The answer of GetEmailIdentity, with another value in one place."""
    answer = deepcopy(ANSWER)
    if path:
        *parents, member = path.split(".")
        part = answer
        for parent in parents:
            part = part[parent]
        assert member in part
        part[member] = value
    return answer


def observed(answer: dict[str, Any]) -> Observed:
    """What a reconcile sees, with all records published that were wanted when everything was known."""
    memory = {REGION: Remembered(tokens=TOKENS, signing_hosted_zone="dkim.amazonses.com")}
    known = Observed(regions={REGION: Present(identity_facts(ANSWER, REGION))}, remembered=memory)
    records = tuple(PublishedRecord(record, RecordState.PUBLISHED) for record in wanted_records(SPEC, known))
    view = legible(Present(identity_facts(answer, REGION)), REGION)
    return Observed(regions={REGION: view}, remembered=memory, dns=DnsObservation(records, in_sync=True))


def test_every_enumeration_in_an_answer_is_decided_about() -> None:
    of_the_identity = {("sesv2", "GetEmailIdentity", path) for path in TOLD | SHOWN}
    assert enumerated() == of_the_identity | OTHERS.keys()


def test_an_answer_of_which_all_is_known_leaves_nothing_to_do() -> None:
    world = observed(answered())
    assert isinstance(world.regions[REGION], Present)
    assert plan_identity(SPEC, world, covering(SPEC), NOW).is_empty


@pytest.mark.parametrize("value", [NEW, "success", "AWS_SES_EU_WEST_99", "RSA_4096_BIT"])
@pytest.mark.parametrize("path", sorted(TOLD))
def test_a_value_that_is_not_known_is_told_and_changes_nothing(path: str, value: str) -> None:
    world = observed(answered(path, value))
    view = world.regions[REGION]
    assert isinstance(view, Unread)
    assert view.problem.reason is Reason.UNKNOWN_ANSWER
    assert f"SES in {REGION} answers with {path} {value}" in view.problem.message
    plan = plan_identity(SPEC, world, covering(SPEC), NOW)
    assert not plan.ses_steps
    assert plan.dns is None, "the records stay as they are"
    assert "spec." not in view.problem.message, "nothing in the spec is wrong"


@pytest.mark.parametrize("path", sorted(TOLD))
def test_an_identity_can_be_deleted_whatever_else_is_not_known_of_it(path: str) -> None:
    found = Observed(regions={REGION: Present(identity_facts(answered(path), REGION))})
    assert plan_deletion(SPEC, found).ses_steps == {REGION: (DeleteIdentity(REGION, DOMAIN),)}


@pytest.mark.parametrize("path", sorted(SHOWN))
def test_a_new_word_for_an_error_is_passed_on_and_changes_nothing(path: str) -> None:
    world = observed(answered(path))
    view = world.regions[REGION]
    assert isinstance(view, Present)
    assert view.facts.verification_info.error_type == NEW
    assert plan_identity(SPEC, world, covering(SPEC), NOW).is_empty


def test_all_that_is_not_known_is_told_at_once() -> None:
    answer = answered("DkimAttributes.Status")
    answer["MailFromAttributes"]["BehaviorOnMxFailure"] = "BOUNCE_LATER"
    assert identity_facts(answer, REGION).unknown_values == (
        UnknownValue("MailFromAttributes.BehaviorOnMxFailure", "BOUNCE_LATER"),
        UnknownValue("DkimAttributes.Status", NEW),
    )


@pytest.mark.parametrize(
    "member", ["Status", "SigningAttributesOrigin", "CurrentSigningKeyLength", "NextSigningKeyLength"]
)
def test_what_a_creation_answers_is_read_with_the_same_care(member: str) -> None:
    told = dkim_facts({**ANSWER["DkimAttributes"], member: NEW}, REGION)
    assert told.unknown == (UnknownValue(f"DkimAttributes.{member}", NEW),)
    view = legible(Present(identity_facts(answered(f"DkimAttributes.{member}"), REGION)), REGION)
    assert isinstance(view, Unread)


def test_what_lists_and_accounts_answer_is_never_better_than_it_is_known_to_be() -> None:
    (listed,) = listed_identities({"EmailIdentities": [{"IdentityName": DOMAIN, "VerificationStatus": NEW}]})
    assert listed.verification_status is not VerificationStatus.SUCCESS
    assert not account_facts({"VdmAttributes": {"VdmEnabled": NEW}}).vdm_enabled
    assert account_facts({"EnforcementStatus": NEW}).enforcement_status == NEW, "shown as it is"
