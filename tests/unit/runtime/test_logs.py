"""Log lines say what they are about, whoever writes them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextvars import Context

import pytest

from ses_operator.logs import JsonFormatter, TextFormatter
from ses_operator.runtime.log_subject import about

LOGGER = logging.getLogger("test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    yield stream
    LOGGER.removeHandler(handler)


def lines(stream: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_task_and_those_that_it_starts_tell_what_they_are_about(stream: io.StringIO) -> None:
    async def region(name: str) -> None:
        LOGGER.info("created", extra={"region": name})

    async def reconcile(name: str) -> None:
        about(namespace="team-a", name=name)
        await asyncio.gather(region("eu-west-1"), region("us-east-1"))

    await asyncio.gather(asyncio.create_task(reconcile("mail")), asyncio.create_task(reconcile("news")))

    assert {(line["namespace"], line["name"], line["region"]) for line in lines(stream)} == {
        ("team-a", name, region) for name in ("mail", "news") for region in ("eu-west-1", "us-east-1")
    }


async def test_a_task_with_a_context_of_its_own_is_about_nothing(stream: io.StringIO) -> None:
    async def list_for_ever() -> None:
        LOGGER.info("listed")

    async def reconcile() -> None:
        about(namespace="team-a", name="mail")
        await asyncio.create_task(list_for_ever(), context=Context())

    await asyncio.create_task(reconcile())

    assert "name" not in lines(stream)[0]


def test_what_a_line_says_of_itself_wins(stream: io.StringIO) -> None:
    def reconcile() -> None:
        about(region="eu-west-1")
        LOGGER.info("created", extra={"region": "us-east-1"})

    Context().run(reconcile)

    assert lines(stream)[0]["region"] == "us-east-1"


def test_text_is_one_line_whatever_the_values_hold() -> None:
    record = logging.makeLogRecord(
        {"msg": "created", "levelname": "INFO", "name": "test", "value": 'a "b"\nc', "empty": ""}
    )
    assert TextFormatter().format(record).endswith(r'INFO created value="a \"b\"\\nc" empty=""')
