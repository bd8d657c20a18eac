"""Name servers as people write them."""

from __future__ import annotations

import dns.name
import pytest

from ses_operator.core.state.answers import Outcome
from ses_operator.dns.lookup.nameservers import NameServers


@pytest.mark.parametrize("written", ["127.0.0.1:99999", "[::1]:99999", "localhost:99999", "a..b:53"])
async def test_a_name_server_that_cannot_be_is_one_that_does_not_answer(written: str) -> None:
    zone = await NameServers([written], timeout=0.2).zone_of(dns.name.from_text("mail.example.com"))
    assert zone.failure is Outcome.TIMEOUT
