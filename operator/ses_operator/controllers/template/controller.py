"""Takes a SesVerificationTemplate from its spec to a template at SES in every region, and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from ses_operator.api.base.meta import INVENTORY, RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_operator.api.template import SesVerificationTemplate, SesVerificationTemplateStatus
from ses_operator.aws.calls.budget import Priority
from ses_operator.controllers.shared import writes
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.cluster import BY_ACCOUNT, BY_NAMESPACE, BY_SENDER, BY_TEMPLATE, verified_regions
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.identity_objects import StatusReport
from ses_operator.controllers.shared.resources import TEMPLATES
from ses_operator.core.admission.acceptance import first_violation, same_account
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.problems import Gone, OperatorError, Problem
from ses_operator.core.model.schedule import next_sweep
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.status.transitions import transitions
from ses_operator.core.templates.content import content_fault
from ses_operator.core.templates.template import (
    DesiredTemplate,
    TemplateStep,
    TemplateView,
    desired_template,
    held_template,
    in_use,
    plan_template,
    refused_template,
    template_after,
    template_problem,
    template_status,
)
from ses_operator.runtime.controller import Controller, own_kind
from ses_operator.runtime.kube.events import Event
from ses_operator.runtime.source import Watch
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange
from ses_operator.runtime.workqueue import Result

LOGGER = logging.getLogger(__name__)

WORKERS = 2


class TemplateController:
    """Observe, plan, apply, report. Between calls it remembers only when each template is to be read again."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._cluster = context.cluster
        self._accounts = context.accounts
        self._admissions = context.admissions
        self._settings = context.settings
        self._now = context.now
        self._turns: dict[str, float] = {}

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The changes that wake a template: itself, the identities that use it or send it, its namespace and its account."""
        cluster = self._cluster
        return (
            own_kind(cluster.templates),
            Watch(cluster.identities.changes, _templates_named_by),
            Watch(self._context.objects.reports, self._sent_from),
            Watch(cluster.namespaces.changes, lambda seen: cluster.templates.by_index(BY_NAMESPACE, seen.key.name)),
            Watch(self._accounts.changes, lambda name: cluster.templates.by_index(BY_ACCOUNT, name)),
        )

    def _sent_from(self, report: StatusReport) -> Iterable[ObjectKey]:
        """Return the templates whose sender has just been verified in a region."""
        if not verified_regions(report.status) - verified_regions(report.before.status):
            return ()
        return self._cluster.templates.by_index(BY_SENDER, report.before.spec.identity)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Create, update or delete the template in its regions, and write its status."""
        template = self._cluster.templates.get(key)
        if template is None:
            return Result.done()
        account = self._accounts.get(template.spec.account_ref.name)
        if account is None:
            return Result.done()
        if template.metadata.is_deleting:
            return await self._depart(template, account)
        problem = account if isinstance(account, Problem) else self._refusal(template, account)
        if problem is not None or isinstance(account, Problem):
            return await self._refuse(template, problem or Problem(Reason.PROGRESSING, ""))
        desired = self._desired(template, account)
        if self._is_settled(template, desired):
            return Result.after(self._until_turn(template))
        views = await self._observe(template, desired, account)
        if steps := plan_template(desired, views):
            template = await self._ensure_finalizer(template, account, {*desired.regions, *views})
            views |= await self._apply(steps, account)
        return await self._report(template, desired, account, views)

    def _refusal(self, template: SesVerificationTemplate, account: OpenAccount) -> Problem | None:
        """Return why the template may not be made: the account does not admit its address, or its content is invalid."""
        spec, namespace = template.spec, template.metadata.namespace
        asked = SesIdentitySpec(email=spec.from_email_address, regions=spec.regions, account_ref=spec.account_ref)
        moved = same_account(_inventory(template), account.name, account.aws.account_id)
        broken = first_violation(self._admissions.petition_of(namespace, asked, account))
        fault = content_fault(spec.content)
        return moved or broken or (Problem(Reason.TEMPLATE_INVALID, fault) if fault else None)

    def _desired(self, template: SesVerificationTemplate, account: OpenAccount) -> DesiredTemplate:
        key = ObjectKey(template.metadata.namespace, template.metadata.name)
        owner = Owner(self._settings.installation_id, key)
        return desired_template(owner, template.spec, account.spec.default_tags)

    async def _observe(
        self, template: SesVerificationTemplate, desired: DesiredTemplate, account: OpenAccount
    ) -> dict[str, TemplateView]:
        regions = sorted({*desired.regions, *_inventory(template).regions})
        views = await asyncio.gather(*(self._read(account, region, desired.name) for region in regions))
        return dict(zip(regions, views, strict=True))

    async def _read(self, account: OpenAccount, region: str, name: str) -> TemplateView:
        try:
            return await account.aws.templates(region).get(name, Priority.PENDING)
        except OperatorError as error:
            return error.problem

    async def _apply(self, steps: Iterable[TemplateStep], account: OpenAccount) -> dict[str, TemplateView]:
        """Carry out the steps; return the state after them, region by region."""
        todo = tuple(steps)
        views = await asyncio.gather(*(self._perform(step, account) for step in todo))
        return {step.region: view for step, view in zip(todo, views, strict=True)}

    async def _perform(self, step: TemplateStep, account: OpenAccount) -> TemplateView:
        try:
            await account.aws.templates(step.region).perform(step, Priority.PERSON)
        except OperatorError as error:
            return error.problem
        LOGGER.info("%s", step, extra={"template": step.name, "region": step.region})
        return template_after(step)

    async def _depart(self, template: SesVerificationTemplate, account: OpenAccount | Problem) -> Result:
        """Delete it in every region, then remove the finalizer; held while an identity needs it."""
        if not template.metadata.has_finalizer:
            return Result.done()
        if (held := in_use(self._users(template))) is not None:
            await self._write(template, held_template(template, held, self._now()))
            return Result.done()  # an identity that no longer uses it wakes it
        problems: list[Problem] = [account] if isinstance(account, Problem) else await self._clear(template, account)
        if problems:
            first = problems[0]
            said = Problem(first.reason, f"Deletion is waiting: {first}")
            await self._write(template, held_template(template, said, self._now()))
            return Result.retry()
        await self._let_go(template)
        return Result.done()

    async def _clear(self, template: SesVerificationTemplate, account: OpenAccount) -> list[Problem]:
        desired = self._desired(template, account)
        moved = same_account(_inventory(template), account.name, account.aws.account_id)
        if moved is not None:
            return [moved]
        views = await self._observe(template, desired, account)
        nowhere = DesiredTemplate(desired.owner, (), desired.text, desired.tags)
        views |= await self._apply(plan_template(nowhere, views), account)
        return [view for _, view in sorted(views.items()) if isinstance(view, Problem)]

    def _users(self, template: SesVerificationTemplate) -> tuple[str, ...]:
        """Return the identities of the namespace whose emails use the template, in the same account."""
        meta, found = template.metadata, self._cluster.identities
        users = (found.get(key) for key in found.by_index(BY_TEMPLATE, ObjectKey(meta.namespace, meta.name)))
        return tuple(
            user.metadata.name
            for user in users
            if user and not user.metadata.is_deleting and user.spec.account_ref == template.spec.account_ref
        )

    async def _report(
        self,
        template: SesVerificationTemplate,
        desired: DesiredTemplate,
        account: OpenAccount,
        views: dict[str, TemplateView],
    ) -> Result:
        left = {region for region, view in views.items() if region not in desired.regions and isinstance(view, Problem)}
        template = await self._ensure_finalizer(template, account, {*desired.regions, *left})
        await self._write(template, template_status(template, desired, views, self._now()))
        if left or any(template_problem(desired, region, views.get(region)) for region in desired.regions):
            return Result.retry()
        self._turns[template.metadata.uid] = self._next_turn(template)
        self._context.finished_templates.emit(ObjectKey(template.metadata.namespace, template.metadata.name))
        return Result.after(self._until_turn(template))

    async def _refuse(self, template: SesVerificationTemplate, problem: Problem) -> Result:
        await self._write(template, refused_template(template, problem, self._now()))
        return Result.retry() if problem.retry_after is None else Result.after(problem.retry_after)

    async def _ensure_finalizer(
        self, template: SesVerificationTemplate, account: OpenAccount, regions: Iterable[str]
    ) -> SesVerificationTemplate:
        """Return the template with the finalizer, and an inventory of the regions that may have it."""
        needed = Inventory(regions=frozenset(regions), account=account.aws.account_id)
        if template.metadata.has_finalizer and _inventory(template) == needed:
            return template
        written = await writes.ensure_finalizer(self._cluster.client, TEMPLATES, template.metadata, needed.encode())
        self._cluster.templates.observe(written)
        return SesVerificationTemplate.model_validate(written)

    async def _write(self, template: SesVerificationTemplate, status: SesVerificationTemplateStatus) -> None:
        old, new = template.status.to_json(), status.to_json()
        written = await writes.write_status(self._cluster.client, TEMPLATES, template.metadata, old, new)
        if written is None:
            return
        self._cluster.templates.observe(written)
        for transition in transitions(template.status.conditions, status.conditions):
            self._cluster.events.record(Event(TEMPLATES, template.metadata, transition))

    async def _let_go(self, template: SesVerificationTemplate) -> None:
        store, meta = self._cluster.templates, template.metadata
        self._turns.pop(meta.uid, None)
        try:
            sighting = store.observe(await writes.remove_finalizer(self._cluster.client, TEMPLATES, meta))
        except Gone:
            sighting = store.remove(ObjectKey(meta.namespace, meta.name), meta.uid)
        if sighting.change is ObjectChange.REMOVED:
            store.changes.emit(sighting)

    def _is_settled(self, template: SesVerificationTemplate, desired: DesiredTemplate) -> bool:
        """Return True if there is nothing to read before its next resync."""
        meta, status = template.metadata, template.status
        asked = meta.annotations.get(RECONCILE_REQUESTED_AT) != status.last_handled_reconcile_at
        tidy = meta.has_finalizer and _inventory(template).regions == frozenset(desired.regions)
        ready = any(condition.type == "Ready" and condition.is_true for condition in status.conditions)
        same = status.applied_configuration == desired.digest() and status.observed_generation == meta.generation
        return not asked and tidy and ready and same and self._until_turn(template) > 0

    def _until_turn(self, template: SesVerificationTemplate) -> float:
        turn = self._turns.setdefault(template.metadata.uid, self._next_turn(template))
        return turn - self._now().timestamp()

    def _next_turn(self, template: SesVerificationTemplate) -> float:
        return next_sweep(template.metadata.uid, self._now().timestamp(), self._settings.sweep_interval)


def register(context: ControllerContext) -> Controller:
    """Return the controller of SesVerificationTemplates."""
    controller = TemplateController(context)
    return Controller("sesverificationtemplate", controller.reconcile, controller.watches, workers=WORKERS)


def _templates_named_by(delta: CacheDelta) -> Iterator[ObjectKey]:
    """Yield the templates that an identity uses, and used before."""
    if delta.change is not ObjectChange.STATUS:
        yield from (value for value in delta.values(BY_TEMPLATE) if isinstance(value, ObjectKey))


def _inventory(template: SesVerificationTemplate) -> Inventory:
    return Inventory.decode(template.metadata.annotations.get(INVENTORY))
