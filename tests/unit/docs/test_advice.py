"""Each message that asks a person to do something has a test that does it and sees it work; none asks for what the CRD refuses.

A message asks for something if its reason names who is to act. The table says which test follows which: it makes the
message appear, does what it says, and waits for the identity to be as it should be. A new reason needs its row.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.actors import Actor
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.email import EMAIL_RULES
from ses_operator.api.identity.kind import AdoptionPolicy
from ses_operator.aws.ses.answers import dkim_facts
from ses_operator.core.model.ses import IdentityFacts, IdentityType, MailFromFacts, SigningOrigin, VerificationStatus
from ses_operator.core.planning.plan import plan_identity
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed, Present
from unit.strategies import OWNER, addresses, desires
from unit.world import NOW, covering, fresh_dkim

TESTS = Path(__file__).parents[2]

FOLLOWED: dict[Reason, str] = {
    Reason.MANUAL_RECORDS_PENDING: "controllers/test_manual.py::test_records_copied_from_status_make_it_ready",
    Reason.DNS_RECORD_CONFLICT: (
        "controllers/test_conflicts.py::"
        "test_a_txt_record_where_a_dkim_cname_must_be_is_named_and_left_until_its_owner_removes_it"
    ),
    Reason.VERIFICATION_FAILED: (
        "controllers/test_recovery.py::test_what_failed_after_72_hours_is_asked_for_again_once_the_records_are_there"
    ),
    Reason.VERIFICATION_REVOKED: (
        "controllers/test_recovery.py::test_records_of_people_that_vanish_are_asked_for_in_words"
    ),
    Reason.WAITING_FOR_CLICK: (
        "controllers/test_email.py::test_an_address_is_ready_when_the_link_of_each_region_was_followed_and_goes_without_a_trace"
    ),
    Reason.TEMPLATE_IN_USE: (
        "controllers/test_verification_templates.py::test_a_template_makes_the_emails_of_its_identities_and_goes_after_them"
    ),
    Reason.TEMPLATE_INVALID: (
        "controllers/test_verification_templates.py::"
        "test_a_body_that_ses_would_refuse_is_told_before_it_is_asked_and_a_region_that_leaves_loses_the_template"
    ),
    Reason.FROM_ADDRESS_NOT_VERIFIED: (
        "controllers/test_verification_templates.py::test_a_template_makes_the_emails_of_its_identities_and_goes_after_them"
    ),
    Reason.PRODUCTION_ACCESS_NOT_GRANTED: (
        "controllers/test_verification_templates.py::test_a_template_makes_the_emails_of_its_identities_and_goes_after_them"
    ),
    Reason.ACCOUNT_NOT_FOUND: "controllers/test_bad_input.py::test_an_account_that_does_not_exist_yet_is_waited_for",
    Reason.SECRET_NOT_FOUND: "controllers/test_bad_input.py::test_a_secret_that_does_not_exist_yet_is_waited_for",
    Reason.SECRET_KEY_MISSING: "controllers/test_bad_input.py::test_a_secret_without_a_key_is_told_which_one",
    Reason.SERVICE_ACCOUNT_NOT_FOUND: (
        "controllers/guarded/test_account_access.py::"
        "test_a_service_account_stands_for_the_credentials_and_its_token_is_renewed"
    ),
    Reason.DKIM_KEY_INVALID: (
        "controllers/test_byodkim.py::test_a_key_from_a_secret_serves_all_regions_with_one_record_and_stands_nowhere_else"
    ),
    Reason.CREDENTIALS_REJECTED: (
        "controllers/guarded/test_rights.py::"
        "test_keys_that_aws_does_not_know_are_rejected_and_a_corrected_secret_wakes_everybody"
    ),
    Reason.ACCESS_DENIED: (
        "controllers/guarded/test_rights.py::test_a_right_that_is_missing_is_named_and_used_as_soon_as_it_is_given"
    ),
    Reason.HOSTED_ZONE_NOT_FOUND: (
        "controllers/test_bad_input.py::test_a_domain_without_a_hosted_zone_goes_on_when_there_is_one"
    ),
    Reason.HOSTED_ZONE_AMBIGUOUS: (
        "controllers/test_bad_input.py::test_two_hosted_zones_of_one_name_are_for_the_author_to_choose_from"
    ),
    Reason.ZONE_REF_NOT_FOUND: (
        "controllers/test_bad_input.py::test_a_zone_that_the_account_does_not_list_yet_is_waited_for"
    ),
    Reason.DNS_ENDPOINT_CRD_MISSING: (
        "cluster/test_external_dns.py::test_without_external_dns_it_says_so_and_goes_on_when_it_comes"
    ),
    Reason.LEDGER_CONFLICT: (
        "controllers/test_conflicts.py::test_a_domain_whose_records_another_installation_keeps_is_left_to_it"
    ),
    Reason.CONFIGURATION_SET_NOT_FOUND: (
        "controllers/test_bad_input.py::test_a_configuration_set_that_does_not_exist_yet_is_waited_for"
    ),
    Reason.CONTESTED: (
        "controllers/test_contention.py::"
        "test_a_setting_that_is_changed_back_again_and_again_is_named_and_left_for_a_while"
    ),
    Reason.OWNED_BY_ANOTHER: (
        "controllers/test_advice.py::test_an_identity_of_another_is_left_alone_in_a_region_that_is_removed"
    ),
    Reason.ALREADY_CLAIMED: "controllers/test_claims.py::test_the_next_claim_takes_over_when_the_holder_lets_go",
    Reason.POLICY_CONFLICT: (
        "controllers/test_sending_authorization.py::"
        "test_a_policy_of_somebody_else_is_reported_and_left_until_it_is_gone"
    ),
    Reason.POLICY_INVALID: ("controllers/test_advice.py::test_a_policy_that_is_corrected_as_the_message_says_is_set"),
    Reason.POLICY_REFUSED: (
        "controllers/test_sending_authorization.py::"
        "test_a_principal_that_ses_does_not_know_yet_stalls_nothing_and_is_tried_again"
    ),
    Reason.QUOTA_EXCEEDED: "controllers/test_advice.py::test_a_policy_removed_in_ses_makes_room_for_one_of_the_spec",
    Reason.REPLICATION_FAILED: (
        "controllers/guarded/test_rights.py::"
        "test_a_replica_made_without_the_right_to_its_parents_key_says_so_and_is_made_anew_by_way_of_the_spec"
    ),
    Reason.NAMESPACE_LABELS_UNKNOWN: (
        "cluster/test_namespaced.py::test_an_identity_lives_in_a_listed_namespace_that_the_operator_may_not_see"
    ),
    Reason.DELETION_LIMIT_REACHED: (
        "controllers/test_deletion_limit.py::test_deletions_beyond_the_limit_wait_until_a_person_lets_them_go"
    ),
    Reason.DELETION_BLOCKED: (
        "controllers/test_deletion.py::"
        "test_tenants_that_hold_up_the_deletion_are_named_and_it_goes_on_when_they_have_let_go"
    ),
    Reason.INVALID_SPEC: (
        "controllers/test_feedback.py::"
        "test_topics_that_cannot_be_set_are_the_reason_of_their_region_and_the_others_go_on"
    ),
    Reason.REGION_NOT_SUPPORTED: (
        "cluster/test_moments.py::test_a_mistake_fails_at_once_and_is_forgotten_when_it_is_mended"
    ),
    Reason.NOT_ADOPTED: "controllers/test_adoption.py::test_settings_that_differ_are_corrected_once_it_is_adopted",
    Reason.MAIL_FROM_CONFLICT: (
        "controllers/test_adoption.py::test_a_domain_with_another_mail_from_domain_is_adopted_when_it_is_removed_or_asked_for"
    ),
    Reason.DKIM_CONFLICT: (
        "controllers/test_deed.py::"
        "test_an_identity_that_is_in_use_is_not_replaced_unasked_and_the_way_to_a_replica_is_told"
    ),
    Reason.TOO_MANY_TAGS: "controllers/test_advice.py::test_so_many_tags_removed_as_are_too_many_are_enough",
    Reason.NAMESPACE_NOT_ALLOWED: (
        "controllers/test_tenancy.py::test_the_label_of_a_namespace_opens_and_closes_the_account"
    ),
    Reason.DOMAIN_NOT_GRANTED: (
        "controllers/test_tenancy.py::test_a_grant_that_is_taken_away_stalls_its_identities_and_deletes_nothing"
    ),
    Reason.ZONE_NOT_ALLOWED: (
        "controllers/test_tenancy.py::test_a_zone_that_is_closed_to_the_domain_is_not_written_to"
    ),
    Reason.DOMAIN_IDENTITY_REQUIRED: (
        "controllers/test_advice.py::test_a_domain_takes_the_place_of_an_address_where_only_domains_are_allowed"
    ),
    Reason.REQUIRED_TAG_MISSING: (
        "controllers/test_tenancy.py::test_a_guardrail_warns_without_a_call_to_aws_and_stalls_once_it_is_enforced"
    ),
    **dict.fromkeys(
        (
            Reason.REGION_NOT_ALLOWED,
            Reason.TOO_FEW_REGIONS,
            Reason.DKIM_REQUIRED,
            Reason.MAIL_FROM_REQUIRED,
            Reason.DMARC_TOO_WEAK,
            Reason.OPEN_SENDING_POLICY,
        ),
        "controllers/test_advice.py::test_what_a_guardrail_asks_for_is_enough",
    ),
    Reason.ACCOUNT_MISMATCH: ("controllers/test_account_id.py::test_the_advice_to_set_the_account_that_is_meant_works"),
    Reason.INSTALLATION_CHANGED: (
        "controllers/test_installation_record.py::"
        "test_a_confirmed_id_is_recorded_and_the_former_one_does_not_start_any_more"
    ),
    Reason.LEDGER_KEY_INVALID: (
        "controllers/test_ledger.py::test_with_a_damaged_key_nothing_is_written_or_deleted_and_the_way_out_is_said"
    ),
    Reason.HANDED_OVER: (
        "cluster/test_handover.py::test_the_old_cluster_hands_over_and_the_new_one_goes_on_where_it_was"
    ),
    Reason.SUSPENDED: (
        "controllers/test_dry_run.py::"
        "test_a_suspended_identity_lists_what_it_would_change_and_remove_and_can_still_be_deleted"
    ),
}

NOT_FOLLOWED: dict[str, str] = {
    "AccountInSandbox": "a warning: AWS alone can end it",
    "AccountDeleting": "the account is gone by then",
    "AccountInUse": "said of a SesAccount, while its identities are deleted",
    "MailFromRevoked": "its message is that of the records",
    "ObjectWriteRefused": "an admission policy of the platform's own, in its own words",
    "SNSTopicNotFound": "said in unit tests only",
    Reason.DNS_RECORD_MISSING: "its message is that of ManualRecordsPending and WaitingForDNS",
    Reason.DNS_RECORD_WRONG: "the same",
    Reason.DNS_NOT_DELEGATED: "diagnosed in sandbox/test_resolver.py; the parent's delegation is not made right there",
    Reason.DNS_SERVER_FAILURE: "diagnosed in sandbox/test_resolver.py; the servers are not mended there",
    Reason.DNS_RECORD_REFUSED: "Route 53's own words are passed on",
    Reason.VERIFICATION_EMAIL_EXPIRED: "three emails have expired by then",
    Reason.VERIFICATION_TEMPLATE_NOT_FOUND: "translated in unit/aws/test_errors.py only",
    Reason.SENDING_PAUSED: "AWS alone can end it",
    Reason.MESSAGE_REJECTED: "SES's own words are passed on",
    Reason.ACCOUNT_CHANGED: "the credentials of another AWS account are not put back in a test",
    Reason.CREDENTIALS_MISSING: "found out in sandbox/test_operator_aws_credentials.py, without a pod to give a role to",
    Reason.UNKNOWN_ANSWER: "a version of the operator that knows the value does not exist",
}
"""Those of which no test follows the advice, and why. None is to be added."""

ACTORS = {Actor.DNS, Actor.PLATFORM, Actor.MAILBOX, Actor.AUTHOR}
REFUSED_FOR_ADDRESSES = frozenset(
    found for each in EMAIL_RULES for found in re.findall(r"!has\(self\.email\) \|\| !has\(self\.(\w+)\)", str(each))
)


def test_every_message_that_asks_for_something_has_a_test_or_says_why_not() -> None:
    asking = {reason for reason in Reason if reason.actor in ACTORS}
    assert asking - FOLLOWED.keys() - NOT_FOLLOWED.keys() == set()
    assert not FOLLOWED.keys() & NOT_FOLLOWED.keys()


@pytest.mark.parametrize("reason", FOLLOWED)
def test_the_test_exists_and_is_about_that_message(reason: Reason) -> None:
    path, _, name = FOLLOWED[reason].partition("::")
    module = (TESTS / path).read_text(encoding="utf-8")
    assert name in {node.name for node in ast.walk(ast.parse(module)) if isinstance(node, ast.FunctionDef)}
    assert f"Reason.{reason.name}" in module


def test_the_fields_that_the_crd_refuses_for_addresses_are_found_in_its_rules() -> None:
    assert {"dkim", "mailFrom", "dmarc", "dns"} == REFUSED_FOR_ADDRESSES


STATUSES = st.sampled_from(VerificationStatus)
ORIGINS = st.sampled_from(
    [(SigningOrigin.EASY, None), (SigningOrigin.EXTERNAL, None), (SigningOrigin.REPLICA, "eu-north-1")]
)


@st.composite
def found(draw: st.DrawFn) -> IdentityFacts:
    """An identity as anybody may have made it: a domain, or an address."""
    origin, parent = draw(ORIGINS)
    dkim = replace(fresh_dkim("eu-west-1", 2048), origin=origin, parent_region=parent, status=draw(STATUSES))
    name = draw(st.sampled_from([None, "bounce.mail.example.com", "mx.example.com"]))
    owner = draw(st.sampled_from([None, str(OWNER), "other/team/mail"]))
    return IdentityFacts(
        draw(STATUSES),
        dkim,
        mail_from=MailFromFacts(name, draw(STATUSES), "USE_DEFAULT_VALUE") if name else None,
        configuration_set_name=draw(st.sampled_from([None, "theirs"])),
        tags={OWNER_TAG: owner} if owner else {},
        policies=draw(st.sampled_from([{}, {"partner": "{}"}, {f"p{n}": "{}" for n in range(20)}])),
    )


@given(desires() | addresses(), found(), st.sampled_from(AdoptionPolicy))
def test_no_advice_names_a_field_that_the_crd_refuses_or_takes_the_last_region(
    desired: Desired, facts: IdentityFacts, adoption: AdoptionPolicy
) -> None:
    wanted = replace(desired, adoption=adoption)
    if wanted.is_address:  # as the adapter reads one: its DKIM is its domain's
        facts = replace(facts, type=IdentityType.EMAIL_ADDRESS, dkim=dkim_facts({}, "eu-west-1"))
    else:
        facts = replace(facts, type=IdentityType.DOMAIN)
    observed = Observed(regions={region: Present(facts) for region in wanted.regions})
    plan = plan_identity(wanted, observed, covering(wanted), NOW)
    said = [str(problem) for region in plan.regions.values() for problem in region.problems.values()]
    refused = REFUSED_FOR_ADDRESSES if wanted.is_address else {"verificationTemplateRef"}
    for sentence in said:
        named = set(re.findall(r"spec\.(\w+)", sentence))
        assert not named & refused, sentence
        for parent in re.findall(r"parentRegion to ([a-z0-9-]+)", sentence):
            assert parent in wanted.regions or f"add {parent} to spec.regions" in sentence, sentence
        if len(wanted.regions) == 1:
            assert "from spec.regions" not in sentence, sentence
