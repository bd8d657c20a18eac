"""Publication by people."""

from __future__ import annotations

from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.records import dkim_records
from ses_operator.core.state.publication import Publication, RecordState
from ses_operator.dns.manual import ManualPublisher

PUBLICATION = Publication(Owner("test", ObjectKey("team-a", "mail")), "mail.example.com")
RECORDS = dkim_records("mail.example.com", "eu-west-1", ("a", "b", "c"), "dkim.amazonses.com", 300)


async def test_every_record_stays_pending_until_dns_tells_and_there_is_nothing_to_write() -> None:
    for answer in (
        await ManualPublisher().observe(PUBLICATION, RECORDS),
        await ManualPublisher().publish(PUBLICATION, RECORDS),
    ):
        assert answer.in_sync
        assert [(record.record, record.state) for record in answer.records] == [
            (r, RecordState.PENDING) for r in RECORDS
        ]


async def test_there_is_nothing_to_take_back() -> None:
    assert await ManualPublisher().withdraw(PUBLICATION) == ()
    await ManualPublisher().release(PUBLICATION)
    await ManualPublisher().retain(PUBLICATION, RECORDS)
    assert await ManualPublisher().holdings(PUBLICATION) == frozenset()
