"""Takes a SesAccount from its spec to credentials that work, and reports the state of the account in each region."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ses_operator.api.account import credentials as api
from ses_operator.api.account.kind import AccountRegionStatus, SesAccount, SesAccountStatus
from ses_operator.api.base.meta import INVENTORY, RECONCILE_REQUESTED_AT, ObjectMeta
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority, RequestBudget
from ses_operator.aws.calls.config import AccountConfig, Role, ServiceEndpoints, StaticCredentials, WebIdentityAccess
from ses_operator.aws.catalog import aws_regions
from ses_operator.aws.sessions import AwsAccount, Sessions
from ses_operator.controllers.account.audits import Audits
from ses_operator.controllers.account.mail_figures import MailFigures
from ses_operator.controllers.account.tokens import ServiceAccountTokens
from ses_operator.controllers.shared import writes
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.cluster import BY_ACCOUNT, BY_SECRET, account_named, accounts_named_by
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.identity_objects import OWN_DOING
from ses_operator.controllers.shared.resources import ACCOUNTS, IDENTITIES, TEMPLATES
from ses_operator.controllers.shared.status_pace import StatusPace
from ses_operator.core.account.meant import AccountEvidence, User, account_mismatch
from ses_operator.core.account.report import account_status, deletion_news, in_use, region_status, standings
from ses_operator.core.audit.progress import news
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Problem, WriteRefused
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.surroundings import AccountStanding
from ses_operator.core.status.transient_errors import is_passing
from ses_operator.instruments import Gauges
from ses_operator.runtime.controller import Controller, own_kind
from ses_operator.runtime.kube.events import Event
from ses_operator.runtime.kube.resources import SECRETS, JsonObject
from ses_operator.runtime.kube.secrets import value_of
from ses_operator.runtime.source import Source, Watch
from ses_operator.runtime.watch.cache import ObjectChange
from ses_operator.runtime.watch.reflector import Reflected
from ses_operator.runtime.workqueue import Result, Urgency

WORKERS = 4


class AccountController:
    """Opens accounts and reports on them. Between calls it holds only when it last read and last wrote."""

    def __init__(
        self,
        context: ControllerContext,
        sessions: Sessions,
        audits: Audits,
        rejected: Source[str],
    ) -> None:
        """Take the source ``rejected``, which emits the names of accounts whose credentials an AWS service rejects."""
        self._context = context
        self._cluster = context.cluster
        self._accounts = context.accounts
        self._telemetry = context.telemetry
        self._sessions = sessions
        self._audits = audits
        self._rejected = rejected
        self._asked: dict[tuple[str, str], float] = {}
        self._pace = StatusPace()
        self._refresh = context.settings.idle_poll

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The changes that wake an account: itself, those that use it, its credentials, and what runs on its behalf."""
        cluster = self._cluster
        return (
            own_kind(cluster.accounts),
            Watch(cluster.identities.changes, accounts_named_by),
            Watch(cluster.templates.changes, accounts_named_by),
            Watch(cluster.secrets.changes, self._with_credentials_in, Urgency.URGENT),
            Watch(cluster.coverage.changes, lambda _: cluster.accounts),
            Watch(self._rejected, account_named),
            Watch(self._context.emails.changes, account_named),
            Watch(self._audits.ended, account_named, Urgency.LOW),
        )

    def _with_credentials_in(self, secret: Reflected) -> list[ObjectKey]:
        return self._cluster.accounts.by_index(BY_SECRET, secret.key.name)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Open the account and write its status."""
        account = self._cluster.accounts.get(key)
        if account is None or not self._accounts.is_ours(account):
            self._forget(key.name)
            if account is None:
                await self._context.installation.forget(key.name)
            return Result.done()
        try:
            if not await self._keep_while_used(account):
                return Result.done()
        except WriteRefused as refused:
            self._telemetry.on_write_refused("sesaccount", "metadata")
            await self._report(account, None, (), refused.problem)
            return Result.retry()
        try:
            aws = await self._open(account)
        except OperatorError as error:
            if is_passing(error.problem) and self._is_open(account):
                return Result.retry()
            return await self._close(account, error.problem)
        if (mismatch := await self._mismatch(account, aws)) is not None:
            self._sessions.forget(key.name)  # other credentials may come from where these came from
            return await self._close(account, mismatch)
        before = self._standing(account)
        self._accounts.put(key.name, OpenAccount(key.name, account.spec, aws, before))
        regions = await self._regions(account, aws)
        self._accounts.put(key.name, OpenAccount(key.name, account.spec, aws, standings(regions, before)))
        look = await self._audits.attend(account, aws)
        leaving = in_use(self._holders(key.name)) if account.metadata.is_deleting else None
        reported = await self._report(account, aws, regions, leaving)
        return reported if look is None else reported.within(look)

    async def _mismatch(self, account: SesAccount, aws: AwsAccount) -> Problem | None:
        """Return why the AWS account of the credentials is not to be used; record it if the spec says that it is now meant."""
        name, recorded = account.metadata.name, self._context.installation.account(account.metadata.name)
        seen = AccountEvidence(name, aws.account_id, account.spec.account_id, recorded)
        if seen.is_settled:  # of all objects, of which there may be thousands, none has to be read
            return None
        problem = account_mismatch(replace(seen, users=self._users_of(name)))
        if problem is None and recorded not in (None, aws.account_id):
            await self._context.installation.move(name, aws.account_id)
        return problem

    def _users_of(self, name: str) -> tuple[User, ...]:
        """Return the objects that use this SesAccount, with the AWS account in which each has something by its inventory."""
        return tuple(
            User(kind, ObjectKey(meta.namespace, meta.name), Inventory.decode(meta.annotations.get(INVENTORY)).account)
            for kind, meta in self._using(name)
        )

    def _using(self, name: str) -> Iterator[tuple[str, ObjectMeta]]:
        """Yield the kind and the metadata of each object that uses this SesAccount."""
        users = (
            (IDENTITIES, self._cluster.identities, self._users),
            (TEMPLATES, self._cluster.templates, self._templates),
        )
        for resource, store, keys in users:
            found = (store.get(key) for key in keys(name))
            yield from ((resource.kind, each.metadata) for each in found if each is not None)

    async def _close(self, account: SesAccount, problem: Problem) -> Result:
        """Let no one use the account, and say why."""
        self._audits.stop(account.metadata.name)
        self._accounts.put(account.metadata.name, problem)
        await self._report(account, None, (), problem)
        return Result.retry()

    def _forget(self, name: str) -> None:
        """Forget a SesAccount that is gone, with its credentials; or that has become another installation's."""
        self._accounts.remove(name)
        self._sessions.forget(name)
        self._audits.forget(name)
        self._telemetry.forget_account(name)
        self._pace.forget(name)
        for key in [key for key in self._asked if key[0] == name]:
            del self._asked[key]

    async def _keep_while_used(self, account: SesAccount) -> bool:
        """Return True if the account goes on to exist: identities that refer to it need its credentials to be deleted.

        There may be some in a namespace that the apiserver does not show: its finalizer stays until that is seen.
        """
        name, meta = account.metadata.name, account.metadata
        used = bool(self._users(name) or self._templates(name))
        if meta.is_deleting and not self._holders(name):
            if meta.has_finalizer:
                await self._context.installation.forget(name)
                await self._let_go(account)
            return False
        if used and not meta.has_finalizer and not meta.is_deleting:
            self._cluster.accounts.observe(await writes.ensure_finalizer(self._cluster.client, ACCOUNTS, meta, None))
        return True

    def _holders(self, name: str) -> list[str]:
        """Return the objects for which the account is needed, by name: those with a finalizer may own something at AWS."""
        unseen = (f"whatever is in namespace {each}, which cannot be read" for each in self._cluster.coverage.unseen)
        holders = sorted(
            f"{kind} {meta.namespace}/{meta.name}" for kind, meta in self._using(name) if meta.has_finalizer
        )
        return [*holders, *unseen]

    async def _let_go(self, account: SesAccount) -> None:
        accounts, meta = self._cluster.accounts, account.metadata
        try:
            sighting = accounts.observe(await writes.remove_finalizer(self._cluster.client, ACCOUNTS, meta))
        except Gone:
            sighting = accounts.remove(ObjectKey("", meta.name), meta.uid)
        if sighting.change is ObjectChange.REMOVED:
            accounts.changes.emit(sighting)

    def _is_open(self, account: SesAccount) -> bool:
        """Return True if it was opened with the present spec: what its users were told then still holds, as far as is known."""
        known = self._accounts.get(account.metadata.name)
        return isinstance(known, OpenAccount) and known.spec == account.spec

    def _standing(self, account: SesAccount) -> Mapping[str, AccountStanding | Problem]:
        """Return what was last known of the account's regions: by this process, or else by the one that wrote status."""
        known = self._accounts.get(account.metadata.name)
        if isinstance(known, OpenAccount):
            return known.standing
        remembered = standings(account.status.regions, {})
        return {region: each for region, each in remembered.items() if isinstance(each, AccountStanding)}

    def _templates(self, name: str) -> list[ObjectKey]:
        return self._cluster.templates.by_index(BY_ACCOUNT, name)

    def _users(self, name: str) -> list[ObjectKey]:
        return self._cluster.identities.by_index(BY_ACCOUNT, name)

    async def _open(self, account: SesAccount) -> AwsAccount:
        spec = account.spec
        return await self._sessions.open(
            AccountConfig(
                name=account.metadata.name,
                credentials=await self._static_credentials(spec.credentials),
                profile=spec.credentials.profile,
                web_identity=_web_identity(spec.credentials.web_identity),
                roles=_roles(spec.credentials.assume_role),
                instance_metadata=spec.credentials.instance_metadata,
                endpoints=ServiceEndpoints(
                    spec.endpoints.sesv2,
                    spec.endpoints.ses,
                    spec.endpoints.route53,
                    spec.endpoints.sts,
                    spec.endpoints.sns,
                ),
                requests_per_second=spec.requests_per_second,
            )
        )

    async def _static_credentials(self, credentials: api.Credentials) -> StaticCredentials | None:
        if credentials.secret_ref is None:
            return None
        name, namespace = credentials.secret_ref.name, self._context.settings.operator_namespace
        try:
            secret = await self._cluster.client.get(SECRETS.object(ObjectKey(namespace, name)))
        except Gone as error:
            raise Blocked(
                Reason.SECRET_NOT_FOUND,
                f"Secret {name} does not exist in the operator's namespace {namespace}. Create it there, "
                "or remove spec.credentials.secretRef",
            ) from error
        return StaticCredentials(
            _value(secret, name, api.ACCESS_KEY_ID),
            _value(secret, name, api.SECRET_ACCESS_KEY),
            _value(secret, name, api.SESSION_TOKEN) if api.SESSION_TOKEN in (secret.get("data") or {}) else None,
        )

    async def _regions(self, account: SesAccount, aws: AwsAccount) -> tuple[AccountRegionStatus, ...]:
        """Return the state of the account in each region in use; read again once in a while, else as status remembers it."""
        name = account.metadata.name
        used = {
            region
            for key in self._users(name)
            if (identity := self._cluster.identities.get(key)) is not None
            for region in identity.spec.regions
            if aws.has_ses(region)
        }
        before = {status.region: status for status in account.status.regions}
        return tuple(
            await asyncio.gather(*(self._region(name, aws, region, before.get(region)) for region in sorted(used)))
        )

    async def _region(
        self, name: str, aws: AwsAccount, region: str, before: AccountRegionStatus | None
    ) -> AccountRegionStatus:
        now = asyncio.get_running_loop().time()
        asked = self._asked.setdefault((name, region), now if before and before.reachable else -self._refresh)
        if before is not None and before.reachable and now - asked < self._refresh:
            return before
        self._asked[(name, region)] = now
        try:
            facts = await aws.region(region).get_account(Priority.SWEEP)
        except OperatorError as error:
            return region_status(region, error.problem)
        self._telemetry.on_quota(name, region, facts.sent_last_24_hours)
        return region_status(region, facts)

    async def _report(
        self,
        account: SesAccount,
        aws: AwsAccount | None,
        regions: tuple[AccountRegionStatus, ...],
        problem: Problem | None,
    ) -> Result:
        current = self._cluster.accounts.get(ObjectKey("", account.metadata.name)) or account
        new: SesAccountStatus = account_status(
            current,
            account_id=aws.account_id if aws else None,
            regions=regions or current.status.regions,
            identities=len(self._users(account.metadata.name)),
            requested_at=current.metadata.annotations.get(RECONCILE_REQUESTED_AT),
            audit=self._audits.status(current),
            notifications=self._context.emails.status(current),
            problem=problem,
            now=self._context.now(),
        )
        name, loop = account.metadata.name, asyncio.get_running_loop()
        if (wait := self._pace.wait(name, current.status, new, loop.time())) > 0:
            return Result.after(wait)
        written = await writes.write_status(
            self._cluster.client, ACCOUNTS, current.metadata, current.status.to_json(), new.to_json()
        )
        if written is not None:
            self._pace.wrote(name, current.status, new, loop.time())
            deleting = deletion_news(current.status.conditions, new.conditions)
            for transition in (*deleting, *news(current.status.audit, new.audit)):
                self._cluster.events.record(Event(ACCOUNTS, current.metadata, transition))
            sighting = self._cluster.accounts.observe(written)
            if sighting.change not in OWN_DOING:
                self._cluster.accounts.changes.emit(sighting)
        return Result.after(self._refresh)


def register(context: ControllerContext) -> Controller:
    """Return the controller of SesAccounts, with their audits and the figures of their mail."""
    cluster, loop = context.cluster, asyncio.get_running_loop()
    settings, measured = context.settings, context.telemetry
    tokens = ServiceAccountTokens(cluster.client, settings.operator_namespace, loop)
    rejected: Source[str] = Source()
    sessions = Sessions(
        context.executor,
        RequestBudget(on_wait=measured.aws.on_wait),
        rejected.emit,
        measured.aws.on_call,
        lambda identity: tokens.token(identity.service_account, identity.audience),
        context.installation.pin,
        aws_regions().with_added(settings.added_regions),
        measured.aws.keep_regions,
    )
    audits = Audits(context)
    controller = AccountController(context, sessions, audits, rejected)
    figures = MailFigures(cluster.identities, context.accounts, settings.mail_figures_interval, context.now)
    if settings.mail_figures_interval:
        measured.registry.register(Gauges(figures.samples))

    async def let_go() -> None:
        sessions.close()
        await asyncio.to_thread(context.executor.close)  # it waits for calls in flight

    return Controller(
        "sesaccount",
        controller.reconcile,
        controller.watches,
        workers=WORKERS,
        starting=(figures.start,) if settings.mail_figures_interval else (),
        closing=(figures.close, audits.close, let_go),
    )


def _web_identity(spec: api.WebIdentity | None) -> WebIdentityAccess | None:
    if spec is None:
        return None
    role = Role(spec.role_arn, session_name=spec.session_name)
    return WebIdentityAccess(spec.service_account_ref.name, spec.audience, role)


def _roles(spec: api.AssumeRole | None) -> tuple[Role, ...]:
    """Return the roles in the order in which they are assumed, the one that is used last."""
    steps = (*spec.via, spec) if spec else ()
    return tuple(Role(step.role_arn, step.external_id, step.session_name) for step in steps)


def _value(secret: JsonObject, name: str, key: str) -> str:
    """Return a value of a Secret, decoded."""
    try:
        value = (value_of(secret, key) or b"").decode().strip()
    except UnicodeDecodeError:
        value = ""
    if not value:
        raise Blocked(Reason.SECRET_KEY_MISSING, f"Secret {name} has no usable value under {key}. Put it there")
    return value
