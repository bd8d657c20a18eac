"""Name servers that do not answer are left alone for a while."""

from __future__ import annotations

import asyncio
import socket

import dns.name
import dns.rdatatype

from ses_operator.core.state.answers import Outcome
from ses_operator.dns.nameservers import NameServers, Server
from ses_operator.dns.silence import SILENCE_SECONDS, Silences

SERVER = ("192.0.2.1", 53)


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
    assert not silences.is_silent(("192.0.2.1", 5353))

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
        servers = NameServers(timeout=0.05, concurrency=2, monotonic=Time(), on_query=asked.append)
        replies = await asyncio.gather(*(servers.ask([server], name, dns.rdatatype.TXT) for _ in range(100)))
    assert {reply.outcome for reply in replies} == {Outcome.TIMEOUT}
    assert len(asked) <= 4, "those that were on their way when the second went unanswered"
