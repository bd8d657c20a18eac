"""SES in one region of one account: reads as plain values, and each step of a plan as its call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Bucket, Priority
from ses_operator.aws.calls.calls import Calls, ClientSource
from ses_operator.aws.errors.translation import Refused, Request
from ses_operator.aws.ses.answers import (
    account_facts,
    dkim_facts,
    identity_facts,
    listed_identities,
    mail_from_statuses,
)
from ses_operator.core.features.tenants import tenants_hold
from ses_operator.core.model.dkim_source import EasyDkim, GivenDkim, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.policies.policy_documents import field_of
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Stale
from ses_operator.core.model.ses import (
    AccountFacts,
    DkimFacts,
    IdentityFacts,
    ListedIdentity,
    SigningOrigin,
    VerificationStatus,
    identity_arn,
    replica_origin,
    signing_key_length,
)
from ses_operator.core.state.observed import Absent, Known, Read, Unlisted
from ses_operator.core.state.setting import Api, Call, SupplementaryRead
from ses_operator.core.state.steps import (
    Change,
    CreateIdentity,
    CreatePolicy,
    DeleteIdentity,
    DeletePolicy,
    PutSetting,
    RestartVerification,
    SendVerificationEmail,
    SesStep,
    SetDkimSource,
    TagIdentity,
    UntagIdentity,
    UpdatePolicy,
    WithdrawRights,
)

PAGE_SIZE = 1000  # the most that ListEmailIdentities returns
POLICY_RETRY_SECONDS = 300.0
TENANTS_RETRY_SECONDS = 300.0
TENANTS_READ = 100  # of an identity; more would not fit into a message

MAIL_FROM_BATCH = 100
"""Identities of one call (API reference v1, GetIdentityMailFromDomainAttributes)."""


class SesRegion:
    """SES in one region. Every method raises nothing but ``OperatorError``."""

    __slots__ = ("_account_id", "_calls", "_partition", "_v1", "_v2", "region")

    def __init__(
        self, account_id: str, partition: str, region: str, v2: ClientSource, v1: ClientSource, calls: Calls
    ) -> None:
        self.region = region
        self._account_id = account_id
        self._partition = partition
        self._v2 = v2
        self._v1 = v1
        self._calls = calls

    async def get(self, identity: str, priority: Priority) -> IdentityFacts:
        """Call GetEmailIdentity. Raises ``Gone`` if there is no such identity."""
        return identity_facts(
            await self._call("GetEmailIdentity", identity, priority, EmailIdentity=identity), self.region
        )

    async def read(
        self, read: SupplementaryRead, identity: str, facts: IdentityFacts, priority: Priority
    ) -> IdentityFacts:
        """Return the facts with what GetEmailIdentity does not return."""
        return read.merge(facts, identity, await self._make(read.call(identity), identity, priority))

    async def get_account(self, priority: Priority = Priority.SWEEP) -> AccountFacts:
        """Call GetAccount."""
        return account_facts(await self._call("GetAccount", "", priority))

    async def list_configuration_sets(
        self, next_token: str | None = None, priority: Priority = Priority.SWEEP
    ) -> tuple[tuple[str, ...], str | None]:
        """Return the names on one page of ListConfigurationSets, and the token of the next page."""
        parameters = {"NextToken": next_token} if next_token else {}
        answer = await self._call("ListConfigurationSets", "", priority, **parameters)
        return tuple(answer.get("ConfigurationSets") or ()), answer.get("NextToken") or None

    async def mail_from_statuses(
        self, identities: Sequence[str], priority: Priority = Priority.SWEEP
    ) -> dict[str, VerificationStatus]:
        """Return the status of the MAIL FROM domains of up to ``MAIL_FROM_BATCH`` identities; one that has none is absent."""
        operation = "GetIdentityMailFromDomainAttributes"
        return mail_from_statuses(await self._call_v1(operation, "", priority, Identities=list(identities)))

    async def list_page(
        self,
        next_token: str | None = None,
        status: VerificationStatus | None = None,
        priority: Priority = Priority.PENDING,
    ) -> tuple[tuple[ListedIdentity, ...], str | None]:
        """Return one page of ListEmailIdentities, of all or of those with one status, and the token of the next page."""
        parameters: dict[str, Any] = {"PageSize": PAGE_SIZE}
        if next_token:
            parameters["NextToken"] = next_token
        if status:
            parameters["Filter"] = {"VERIFICATION_STATUS": status.value}
        answer = await self._call("ListEmailIdentities", "", priority, **parameters)
        return listed_identities(answer), answer.get("NextToken") or None

    async def perform(self, step: SesStep, view: Known, priority: Priority) -> DkimFacts | None:
        """Carry out one step of a plan, based on what is known of the identity; each may be repeated.

        What creates an identity, or gives it another key, answers with its DKIM facts. Raises ``Stale`` if the
        identity exists already, or is not there to be changed; ``Gone`` if the step needs one that does not exist.
        """
        match step, view:
            case CreateIdentity(), _:
                return await self._create(step, priority)
            case SendVerificationEmail(), Absent() if not isinstance(view, Unlisted):
                await self._send_verification_email(step, priority)
            case _, Read():
                return await self.change(step, view, priority)
            case _:
                raise Stale(Reason.PROGRESSING, f"{step.identity} in {self.region} has to be read before it is changed")
        return None

    async def change(self, step: Change, known: Read, priority: Priority) -> DkimFacts | None:
        """Carry out a step that overwrites, deletes or adopts: on an identity that was read in this run."""
        del known  # it is the proof
        match step:
            case SetDkimSource():
                return await self._set_dkim_source(step, priority)
            case SendVerificationEmail():
                await self._send_verification_email(step, priority)
            case RestartVerification(identity=name):
                await self._restart(name, priority)
            case PutSetting():
                await self._put(step.call, step.identity, priority)
            case TagIdentity() | UntagIdentity():
                await self._tag(step, priority)
            case WithdrawRights() | CreatePolicy() | UpdatePolicy() | DeletePolicy():
                await self._policy(step, priority)
            case DeleteIdentity(identity=name):
                await self._delete_identity(name, priority)
            case _:
                assert_never(step)
        return None

    async def _create(self, step: CreateIdentity, priority: Priority) -> DkimFacts:
        parameters: dict[str, Any] = {"Tags": _tags(step.tags)}
        if attributes := _signing_attributes(step.dkim):
            parameters["DkimSigningAttributes"] = attributes
        if step.configuration_set_name:
            parameters["ConfigurationSetName"] = step.configuration_set_name
        answer = await self._call(
            "CreateEmailIdentity", step.identity, priority, EmailIdentity=step.identity, **parameters
        )
        shown = {} if step.is_address else answer.get("DkimAttributes") or {}
        return dkim_facts(shown, self.region)

    async def _set_dkim_source(self, step: SetDkimSource, priority: Priority) -> DkimFacts:
        """Set another kind of key, or another key of the customer's. From here on mail is unsigned until SES finds its record."""
        attributes = _signing_attributes(step.dkim)
        origin = SigningOrigin.EXTERNAL if isinstance(step.dkim, OwnKey) else SigningOrigin.EASY
        parameters = {"SigningAttributesOrigin": origin.value, "SigningAttributes": attributes}
        answer = await self._put(_dkim_call(step.identity, parameters), step.identity, priority)
        length = attributes.get("NextSigningKeyLength")
        told = {
            "Status": answer.get("DkimStatus"),
            "Tokens": answer.get("DkimTokens"),
            "SigningHostedZone": answer.get("SigningHostedZone"),
            "SigningAttributesOrigin": origin.value,
            "CurrentSigningKeyLength": length,
            "NextSigningKeyLength": length,
        }
        return dkim_facts(told, self.region)

    async def _put(self, call: Call, identity: str, priority: Priority) -> Mapping[str, Any]:
        try:
            return await self._make(call, identity, priority)
        except Refused:
            # Some Put operations answer BadRequest for an identity that does not exist: a Get finds out.
            await self.get(identity, priority)
            raise

    async def _send_verification_email(self, step: SendVerificationEmail, priority: Priority) -> None:
        """Send an email to an address that is an identity already, for which CreateEmailIdentity answers AlreadyExists."""
        name = step.identity
        if step.template is None:
            await self._call_v1("VerifyEmailIdentity", name, priority, EmailAddress=name)
        else:
            operation = "SendCustomVerificationEmail"
            await self._call(operation, name, priority, EmailAddress=name, TemplateName=step.template)

    async def _restart(self, identity: str, priority: Priority) -> None:
        """Start the verification again. Neither call is documented for this; the second remains if SES refuses the first."""
        call = _dkim_call(identity, {"SigningAttributesOrigin": SigningOrigin.EASY.value})
        try:
            await self._put(call, identity, priority)
        except Refused:
            await self._call_v1("VerifyDomainDkim", identity, priority, Domain=identity)

    async def _tag(self, step: TagIdentity | UntagIdentity, priority: Priority) -> None:
        arn = identity_arn(self._account_id, self.region, step.identity, self._partition)
        if isinstance(step, TagIdentity):
            await self._call("TagResource", step.identity, priority, ResourceArn=arn, Tags=_tags(step.tags))
        else:
            await self._call("UntagResource", step.identity, priority, ResourceArn=arn, TagKeys=sorted(step.keys))

    async def _policy(
        self, step: WithdrawRights | CreatePolicy | UpdatePolicy | DeletePolicy, priority: Priority
    ) -> None:
        match step:
            case CreatePolicy(document=document):
                await self._set_policy("CreateEmailIdentityPolicy", step.identity, step.name, document, priority)
            case UpdatePolicy(document=document) | WithdrawRights(document=str(document)):
                await self._set_policy("UpdateEmailIdentityPolicy", step.identity, step.name, document, priority)
            case DeletePolicy() | WithdrawRights():
                await self._delete("DeleteEmailIdentityPolicy", step.identity, priority, PolicyName=step.name)

    async def _set_policy(self, operation: str, name: str, policy: str, document: str, priority: Priority) -> None:
        """Set a policy.

        SES is documented to refuse it before verification, and seen to accept it: it is tried, and waited for.
        """
        try:
            await self._call(operation, name, priority, EmailIdentity=name, PolicyName=policy, Policy=document)
        except Refused as refused:
            if (await self.get(name, priority)).verification_status is VerificationStatus.SUCCESS:
                raise Blocked(
                    Reason.POLICY_REFUSED,
                    f"{refused}. A principal that was just created is not known to SES for a while, and one whose account has "
                    f"not enabled {self.region} stays unknown. It is tried again; if it stays so, correct {field_of(policy)}",
                    region=self.region,
                ) from refused
            raise Blocked(
                Reason.WAITING_FOR_VERIFICATION,
                f"SES accepts the policy {policy} only when {name} is verified; it is set then",
                POLICY_RETRY_SECONDS,
                self.region,
            ) from refused

    async def _delete_identity(self, identity: str, priority: Priority) -> None:
        """Delete it. SES refuses while tenants are associated with it, and does not say which."""
        try:
            await self._delete("DeleteEmailIdentity", identity, priority)
        except Blocked as refused:
            is_in_use = refused.problem.reason is Reason.DELETION_BLOCKED
            tenants = await self._tenants_of(identity, priority) if is_in_use else None
            if tenants is None:
                raise
            raise Blocked(
                Reason.DELETION_BLOCKED,
                tenants_hold(identity, self.region, tenants),
                TENANTS_RETRY_SECONDS,
                self.region,
            ) from refused

    async def _tenants_of(self, identity: str, priority: Priority) -> tuple[str, ...] | None:
        """Return the names of the tenants that are associated with the identity; None if there are none, or SES does not say."""
        arn = identity_arn(self._account_id, self.region, identity, self._partition)
        names: list[str] = []
        parameters: dict[str, Any] = {"ResourceArn": arn}
        try:
            while True:
                answer = await self._call("ListResourceTenants", identity, priority, **parameters)
                names += (tenant["TenantName"] for tenant in answer.get("ResourceTenants") or ())
                if len(names) >= TENANTS_READ or not answer.get("NextToken"):
                    return tuple(sorted(names)) or None
                parameters["NextToken"] = answer["NextToken"]
        except OperatorError:
            return None  # why SES does not delete it is said in its own words

    async def _delete(self, operation: str, identity: str, priority: Priority, **parameters: Any) -> None:
        try:
            await self._call(operation, identity, priority, EmailIdentity=identity, **parameters)
        except Gone:
            return

    async def _make(self, call: Call, identity: str, priority: Priority) -> Mapping[str, Any]:
        version = self._call if call.api is Api.V2 else self._call_v1
        return await version(call.operation, identity, priority, **call.parameters)

    async def _call(self, operation: str, subject: str, priority: Priority, **parameters: Any) -> Mapping[str, Any]:
        request = Request("sesv2", operation, self.region, subject, parameters.get("ConfigurationSetName", ""))
        return await self._calls(self._v2, request, self._bucket(request), priority, **parameters)

    async def _call_v1(self, operation: str, subject: str, priority: Priority, **parameters: Any) -> Mapping[str, Any]:
        request = Request("ses", operation, self.region, subject)
        return await self._calls(self._v1, request, self._bucket(request), priority, **parameters)

    def _bucket(self, request: Request) -> Bucket:
        return Bucket(self._account_id, self.region, request.operation)


def _dkim_call(identity: str, parameters: Mapping[str, Any]) -> Call:
    return Call("PutEmailIdentityDkimSigningAttributes", {"EmailIdentity": identity, **parameters})


def _signing_attributes(source: GivenDkim) -> dict[str, Any]:
    """Return DkimSigningAttributes for the source of the key."""
    match source:
        case OwnKey(selector, private_key=key):
            return {"DomainSigningSelector": selector, "DomainSigningPrivateKey": key.reveal()}
        case EasyDkim(bits):
            return {"NextSigningKeyLength": signing_key_length(bits)}
        case ReplicaDkim(parent_region):
            return {"DomainSigningAttributesOrigin": replica_origin(parent_region)}
        case NoDkim():
            return {}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
