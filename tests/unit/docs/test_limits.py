"""docs/limits.md has the numbers that the code has, and every one of them."""

from __future__ import annotations

import re

from docs.writing import ROOT
from ses_operator.aws.sessions import IDLE_SECONDS
from ses_operator.controllers.identity.lookups import PATIENCE
from ses_operator.controllers.shared.writes import MAX_TEXT
from ses_operator.core.model.policies.policy_documents import MAX_POLICY_LEVELS
from ses_operator.core.state.inventory import MAX_NAMES
from ses_operator.dns.lookup.nameservers import MAX_HOSTS
from ses_operator.dns.lookup.query_slots import PER_DOMAIN, PER_TENANT, POOLS
from ses_operator.dns.lookup.resolver import DEADLINE, MAX_VALUE
from ses_operator.dns.lookup.silence import ServerStanding
from ses_operator.runtime.kube.decoding import MAX_DEPTH, MAX_FREE_BYTES
from ses_operator.runtime.kube.events import MAX_MESSAGE
from ses_operator.runtime.watch.kopf_shell import PAGE_SIZE

BOUNDS = {
    "levels of an object that cannot be decoded at once": MAX_DEPTH,
    "levels of a policy document": MAX_POLICY_LEVELS,
    "bytes of a value of any shape, in an object that is large": MAX_FREE_BYTES,
    "objects in a page of a list": PAGE_SIZE,
    "regions in the inventory annotation": MAX_NAMES["regions"],
    "places in the inventory annotation": MAX_NAMES["places"],
    "characters of a text in status": MAX_TEXT,
    "characters of the message of an Event": MAX_MESSAGE,
    "seconds after which an unused client, its request budget and its series are closed": IDLE_SECONDS,
    "queries at a time about one domain": PER_DOMAIN,
    "queries at a time for one namespace, to servers that are new or fail": PER_TENANT,
    "queries at a time to servers that answer": POOLS[ServerStanding.ANSWERS],
    "queries at a time to servers that are new": POOLS[ServerStanding.NEW],
    "queries at a time to servers that fail": POOLS[ServerStanding.FAILS],
    "seconds for all queries about one record": DEADLINE,
    "seconds for which a reconcile waits for a lookup": PATIENCE,
    "name servers of a zone that are looked up": MAX_HOSTS,
    "characters of a TXT value": MAX_VALUE,
}


def test_each_bound_has_the_number_of_the_code() -> None:
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| (\d+) \|", text, flags=re.MULTILINE))
    assert rows == {name: f"{bound:g}" for name, bound in BOUNDS.items()}
