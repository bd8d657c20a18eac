"""Name servers that do not answer are left alone for a while."""

from __future__ import annotations

import asyncio
import socket

import dns.name
import dns.rdatatype

from ses_operator.core.state.answers import Outcome
from ses_operator.dns.lookup.nameservers import NameServers, Server
from ses_operator.dns.lookup.query_slots import TENANT, QuerySlots
from ses_operator.dns.lookup.silence import SILENCE_SECONDS, ServerStanding, Silences

SERVER = ("mail.example.com", "192.0.2.1", 53)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_question_that_was_lost_makes_nobody_silent() -> None:
    silences = Silences(Time())
    silences.gave_no_answer(SERVER)
    assert not silences.is_silent(SERVER)
    silences.answered(SERVER)
    silences.gave_no_answer(SERVER)
    assert not silences.is_silent(SERVER)


def test_a_silent_server_is_given_one_question_a_minute() -> None:
    time = Time()
    silences = Silences(time)
    silences.gave_no_answer(SERVER)
    silences.gave_no_answer(SERVER)
    assert silences.is_silent(SERVER)
    assert not silences.is_silent(("mail.example.com", "192.0.2.1", 5353))
    assert not silences.is_silent(("other.example", "192.0.2.1", 53)), "it may answer about others"

    time.now += SILENCE_SECONDS
    assert not silences.is_silent(SERVER)
    silences.gave_no_answer(SERVER)
    assert silences.is_silent(SERVER), "it is still not there"

    time.now += SILENCE_SECONDS
    silences.answered(SERVER)
    assert not silences.is_silent(SERVER)


async def test_many_questions_to_a_server_that_is_not_there_cost_the_patience_for_a_few() -> None:
    name = dns.name.from_text("mail.example.com")
    asked: list[Outcome] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        server = Server("127.0.0.1", deaf.getsockname()[1], "ns1.example.com")
        slots = QuerySlots(per_domain=2)
        servers = NameServers(timeout=0.05, slots=slots, monotonic=Time(), on_query=asked.append)
        queries = (servers.ask([server], name, dns.rdatatype.TXT, "example.com") for _ in range(100))
        replies = await asyncio.gather(*queries)
    assert {reply.outcome for reply in replies} == {Outcome.TIMEOUT}
    assert len(asked) <= 4, "those that were on their way when the second went unanswered"


async def test_a_resolver_that_waits_in_vain_for_the_servers_of_one_domain_answers_about_others() -> None:
    silences = Silences(Time())
    for _ in range(5):
        silences.gave_no_answer(SERVER)
    assert silences.standing(SERVER) is ServerStanding.FAILS
    assert silences.standing(("other.example", *SERVER[1:])) is ServerStanding.NEW
    silences.answered(SERVER)
    assert silences.standing(SERVER) is ServerStanding.ANSWERS


async def test_the_silent_servers_of_many_domains_hold_up_no_others() -> None:
    slots = QuerySlots(
        {ServerStanding.ANSWERS: 1, ServerStanding.NEW: 2, ServerStanding.FAILS: 1}, per_domain=1, per_tenant=1
    )
    order: list[str] = []

    async def query(tenant: str, domain: str, standing: ServerStanding, wait: asyncio.Event) -> None:
        TENANT.set(tenant)
        async with slots.place(domain, standing):
            await wait.wait()
            order.append(domain)

    never, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    standings = (ServerStanding.FAILS, ServerStanding.NEW)
    silent = [
        asyncio.create_task(query("evil", f"silent-{n}", standing, never)) for n in range(50) for standing in standings
    ]
    await asyncio.sleep(0)
    await asyncio.create_task(query("evil", "answers.example", ServerStanding.ANSWERS, at_once))
    await asyncio.create_task(query("good", "new.example", ServerStanding.NEW, at_once))
    assert order == ["answers.example", "new.example"]
    for task in silent:
        task.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
    assert (len(slots.domains), len(slots.tenants)) == (0, 0)
