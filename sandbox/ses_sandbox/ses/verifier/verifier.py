"""Looks the records of identities up in DNS, on the simulated clock, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_sandbox.clock import Clock
from ses_sandbox.ses.state.models import Dkim, Identity, IdentityType, SoaRecord, VerificationInfo
from ses_sandbox.ses.state.replication import replicate, replication_error
from ses_sandbox.ses.state.store import Store
from ses_sandbox.ses.state.verification import (
    DomainProgress,
    Progress,
    Status,
    VerificationError,
    after_check,
    after_domain_check,
    after_link_expiry,
)
from ses_sandbox.ses.verifier.dnsclient import Address, DnsClient
from ses_sandbox.ses.verifier.lookups import Question, dkim_questions, judge, mail_from_question, txt_question
from ses_sandbox.ses.verifier.schedule import CheckSchedule

CHECKS_AT_ONCE = 64
CHECKS_PER_SECOND = 250
"""Of real time: what is due beyond that waits, so that a crowd of pending identities leaves the machine to others."""

SOA_LIFETIME = timedelta(hours=1)
IDLE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check of a domain. ``None`` for an error: found; for ``mail_from``: found, or not looked up."""

    dkim: VerificationError | None
    txt_found: bool
    mail_from: VerificationError | None
    soa: SoaRecord | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The records to look up for an identity, read under the lock.

    ``state`` and ``progress``: DKIM as it was then. ``blocked``: why its records need not be looked up.
    """

    identity: Identity
    state: Dkim | None
    progress: Progress | None
    dkim: Sequence[Question]
    txt: Question | None
    mail_from: Question | None
    mail_from_domain: str | None
    blocked: VerificationError | None


class Verifier:
    """Checks identities when they are due. ``start`` and ``stop`` from any thread. ``schedule`` may change at any time."""

    def __init__(self, store: Store, clock: Clock, schedule: CheckSchedule) -> None:
        self._store = store
        self._clock = clock
        self.schedule = schedule
        self._due: list[tuple[datetime, int, Identity]] = []
        self._sequence = 0
        self._soa: dict[str, tuple[datetime, SoaRecord | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._under_way = 0
        self._rested = threading.Condition(store.lock)
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self, resolver: Address) -> None:
        """Begin to check, by questions to ``resolver``."""
        self._store.watch = self.watch
        self._clock.subscribe(self._poke)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main(resolver)), name="ses-verifier", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End within a few seconds, checks in flight included."""
        self._stopping = True
        self._poke()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def check_now(self) -> None:
        """Make everything that is watched due at once; also what is being looked up just now, once more."""
        with self._store.lock:
            now = self._clock.now()
            for identity in self._store.identities():
                if identity.next_check_at is not None:
                    self._push(identity, now)
        self._poke()

    def await_rest(self, timeout: float) -> bool:
        """Block until nothing is due and no check is in flight. False if that took more than ``timeout`` real seconds.

        To be called when the clock was moved: what follows from the new time has then happened.
        """
        deadline = time.monotonic() + timeout
        with self._rested:
            while self._is_busy():
                if self._stopping or not self._rested.wait(max(0.0, deadline - time.monotonic())):
                    return False
        return True

    def _is_busy(self) -> bool:
        return self._under_way > 0 or (self._first() is not None and self._due[0][0] <= self._clock.now())

    def watch(self, identity: Identity) -> None:
        """Look an identity up soon, which has something new to find. The store's lock is held."""
        self._enqueue(identity, self._clock.now())
        if len(self._due) == 1 or self._due[0][2] is identity:
            self._poke()

    def _enqueue(self, identity: Identity, now: datetime) -> None:
        moment = self.schedule.next_check(identity, now)
        identity.next_check_at = None
        if moment is not None:
            self._push(identity, moment)

    def _push(self, identity: Identity, moment: datetime) -> None:
        identity.next_check_at = moment
        self._sequence += 1
        heapq.heappush(self._due, (moment, self._sequence, identity))

    def _poke(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _main(self, resolver: Address) -> None:
        self._loop = asyncio.get_running_loop()
        client = DnsClient(resolver)
        await client.open()
        slots = asyncio.Semaphore(CHECKS_AT_ONCE)
        running: set[asyncio.Task[None]] = set()
        while not self._stopping:
            due = self._next_due()
            if due is None:
                await self._wait()
                continue
            await slots.acquire()
            task = asyncio.create_task(self._check(client, *due))
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(lambda _: slots.release())
            await asyncio.sleep(1 / CHECKS_PER_SECOND)
        await asyncio.gather(*running, return_exceptions=True)
        client.close()

    def _next_due(self) -> tuple[Identity, datetime] | None:
        """Take the identity that is due off the heap, and since when. It counts as in flight from now on."""
        with self._store.lock:
            identity = self._first()
            if identity is None or self._due[0][0] > self._clock.now():
                return None
            moment, _, _ = heapq.heappop(self._due)
            self._under_way += 1
            return identity, moment

    def _first(self) -> Identity | None:
        """Return the identity that is due next; entries that a later one has replaced are dropped. The store's lock is held."""
        while self._due:
            moment, _, identity = self._due[0]
            if identity.next_check_at == moment and self._is_registered(identity):
                return identity
            heapq.heappop(self._due)
        return None

    async def _wait(self) -> None:
        self._wake.clear()
        with self._store.lock:
            seconds = self._clock.real_seconds_until(self._due[0][0]) if self._due else IDLE_SECONDS
        if self._stopping:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _is_registered(self, identity: Identity) -> bool:
        return self._store.region(identity.account, identity.region).find(identity.name) is identity

    async def _check(self, client: DnsClient, identity: Identity, due: datetime) -> None:
        try:
            with self._store.lock:
                plan = self._plan(identity)
            finding = None if plan is None else await self._look_up(client, plan)
            with self._store.lock:
                _record(identity, plan, finding, self._clock.now())
                self._conclude(identity, due)
        except BaseException:
            with self._store.lock:
                self._conclude(identity, due)
            raise
        self._wake.set()  # the main loop may have gone to sleep while this identity was in no queue

    def _conclude(self, identity: Identity, due: datetime) -> None:
        """Schedule the next check. If another was requested meanwhile, its time is set already. The store's lock is held."""
        if identity.next_check_at in (None, due) and self._is_registered(identity):
            self._enqueue(identity, self._clock.now())
        self._under_way -= 1
        self._rested.notify_all()

    def _plan(self, identity: Identity) -> _Plan | None:
        """Return what to look up; None for an address without MAIL FROM, of which DNS has nothing."""
        dkim, mail_from = identity.dkim, identity.mail_from
        watches_mail_from = mail_from is not None and mail_from.progress.is_watched
        if identity.type is IdentityType.EMAIL_ADDRESS and not watches_mail_from:
            return None
        blocked = self._replicate(identity)
        watches_dkim = dkim is not None and dkim.progress.is_watched and blocked is None
        mail_from_domain = mail_from.domain if mail_from is not None and watches_mail_from else None
        return _Plan(
            identity=identity,
            state=dkim,
            progress=None if dkim is None else dkim.progress,
            dkim=dkim_questions(identity.name, dkim) if dkim is not None and watches_dkim else (),
            txt=txt_question(identity),
            mail_from=mail_from_question(mail_from_domain) if mail_from_domain is not None else None,
            mail_from_domain=mail_from_domain,
            blocked=blocked,
        )

    def _replicate(self, identity: Identity) -> VerificationError | None:
        """Give a DEED replica the keys of its parent; return what keeps them from it otherwise."""
        if identity.dkim is None or (region := identity.dkim.parent_region) is None:
            return None
        parent = self._store.region(identity.account, region).find(identity.name)
        error = replication_error(identity, identity.dkim, parent)
        if error is None and parent is not None:
            replicate(identity.dkim, parent)
        return error

    async def _look_up(self, client: DnsClient, plan: _Plan) -> Finding:
        soa = await self._soa_of(client, plan.identity.domain)
        dkim = plan.blocked or await _first_error(client, plan.dkim)
        txt_found = plan.txt is not None and await _first_error(client, (plan.txt,)) is None
        mail_from = None if plan.mail_from is None else await _first_error(client, (plan.mail_from,))
        return Finding(dkim, txt_found, mail_from, soa)

    async def _soa_of(self, client: DnsClient, domain: str) -> SoaRecord | None:
        now = self._clock.now()
        known = self._soa.get(domain)
        if known is not None and now - known[0] < SOA_LIFETIME:
            return known[1]
        soa = (await client.ask(domain, "SOA")).soa
        if soa is not None:
            self._soa[domain] = (now, soa)
        return soa


async def _first_error(client: DnsClient, questions: Sequence[Question]) -> VerificationError | None:
    """Return the first record that is not as it must be; the rest is then not looked up."""
    for question in questions:
        error = judge(question, await client.ask(question.name, question.type))
        if error is not None:
            return error
    return None


def _record(identity: Identity, plan: _Plan | None, finding: Finding | None, now: datetime) -> None:
    """Update an identity's states by the result of a check. What was changed meanwhile waits for the next check."""
    if plan is None or finding is None:
        identity.verification = after_link_expiry(identity.verification, now)
        return
    mail_from = identity.mail_from
    if mail_from is not None and mail_from.domain == plan.mail_from_domain:
        mail_from.progress = after_check(mail_from.progress, found=finding.mail_from is None, now=now)
    if identity.type is IdentityType.EMAIL_ADDRESS:
        identity.verification = after_link_expiry(identity.verification, now)
    elif identity.dkim is plan.state and (plan.state is None or plan.state.progress is plan.progress):
        _record_domain(plan, finding, now)


def _record_domain(plan: _Plan, finding: Finding, now: datetime) -> None:
    identity, dkim = plan.identity, plan.state
    if dkim is None:
        identity.verification = after_check(identity.verification, found=finding.txt_found, now=now)
    else:
        progress = DomainProgress(identity.verification, dkim.progress)
        dkim_found = finding.dkim is None and bool(plan.dkim)
        progress = after_domain_check(progress, dkim_found=dkim_found, txt_found=finding.txt_found, now=now)
        identity.verification, dkim.progress = progress.verification, progress.dkim
        if dkim.progress.status is Status.SUCCESS and dkim.key is not None:
            dkim.key = dkim.key.in_force()
    verified = identity.verification.status is Status.SUCCESS
    identity.info = VerificationInfo(
        checked_at=now,
        succeeded_at=now if verified else identity.info.succeeded_at,
        error=None if verified else finding.dkim,
        soa=finding.soa or identity.info.soa,
    )
