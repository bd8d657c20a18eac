"""Reading a zone while it changes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from ses_operator.aws.calls.budget import RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.route53 import Route53
from ses_operator.dns.zone_reader import ZoneReader


class SlowClient:
    """botocore's client of a zone, whose pages are made at once and arrive when ``arrive`` is set."""

    def __init__(self) -> None:
        self.records: list[str] = []
        self.made = threading.Event()
        self.arrive = threading.Event()

    def list_resource_record_sets(self, **_: Any) -> Any:
        sets = [
            {"Name": f"{name}.", "Type": "TXT", "TTL": 300, "ResourceRecords": [{"Value": '"x"'}]}
            for name in self.records
        ]
        self.made.set()
        assert self.arrive.wait(timeout=60)
        return {"ResourceRecordSets": sets, "IsTruncated": False}


async def test_a_page_that_was_on_its_way_when_a_domain_became_doubtful_does_not_answer_for_it() -> None:
    client = SlowClient()
    calls = Calls(Executor(threads=1), RequestBudget(1000.0))
    reader = ZoneReader(Route53("123456789012", lambda: client, calls), "Z1")

    reading = asyncio.create_task(reader.view("a.example.com"))
    await asyncio.to_thread(client.made.wait, 10)
    client.records.append("b.a.example.com")  # a change whose answer is lost
    reader.forget("a.example.com")
    client.arrive.set()

    assert set(await reading) == {"b.a.example.com"}
    reader.close()
