"""What operators of other versions wrote, older and newer ones, read by this one: nothing breaks, and what is known stays."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.dns.ledger import Ledger, Line
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.records import RecordId, RecordType
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.status.status import remembered

FOLDER = Path(__file__).parents[3] / "statuses"
WRITTEN = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}

every_one = pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)


def lost(written: Any, kept: Any, at: str = "status") -> list[str]:
    """What was written and is not there any more when it was read and is written again."""
    if isinstance(written, dict):
        inner = kept if isinstance(kept, dict) else {}
        return [path for name, value in written.items() for path in lost(value, inner.get(name), f"{at}.{name}")]
    if isinstance(written, list):
        same = isinstance(kept, list) and len(kept) == len(written)
        return [path for pair in zip(written, kept, strict=True) for path in lost(*pair, f"{at}[]")] if same else [at]
    return [] if written == kept else [at]


@every_one
def test_all_that_was_written_is_read(written: dict[str, Any]) -> None:
    identity = SesIdentity.model_validate(written)
    assert lost(written["status"], identity.status.to_json()) == []


@every_one
def test_what_has_to_be_remembered_is(written: dict[str, Any]) -> None:
    identity = SesIdentity.model_validate(written)
    known = remembered(identity)
    for region in written["status"]["regions"]:
        dkim, email = region.get("dkim", {}), region.get("verificationEmail", {})
        found = known[region["region"]]
        assert found.tokens == tuple(dkim.get("tokens", ()))
        assert found.key_fingerprint == dkim.get("keyFingerprint")
        assert found.emails == email.get("count", 0)
        assert (found.verified_at is None) is ("verifiedAt" not in region)


@every_one
def test_the_inventory_says_what_it_said(written: dict[str, Any]) -> None:
    text = written["metadata"]["annotations"][INVENTORY]
    inventory = Inventory.decode(text)
    assert inventory.encode() == text
    assert inventory.regions == set(written["spec"]["regions"])


def members(value: Any) -> list[dict[str, Any]]:
    """Every object within a value, itself included."""
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in members(inner))]
    return [found for inner in value for found in members(inner)] if isinstance(value, list) else []


@given(st.sampled_from(sorted(WRITTEN)), st.data())
def test_members_that_a_newer_operator_wrote_are_passed_over_wherever_they_are(name: str, data: st.DataObject) -> None:
    written = deepcopy(WRITTEN[name]["status"])
    for member in members(written):
        if data.draw(st.booleans()):
            member["invented"] = data.draw(st.sampled_from([1, "x", None, {"a": [1]}, ["x"]]))
    newer = SesIdentity.model_validate({**WRITTEN[name], "status": written})
    assert newer.status == SesIdentity.model_validate(WRITTEN[name]).status


def test_conditions_reasons_and_states_that_a_newer_operator_invented_are_read_as_words() -> None:
    written = deepcopy(WRITTEN["easy-dkim"])
    status = written["status"]
    status["conditions"].append({**status["conditions"][0], "type": "BIMIPublished", "reason": "Invented"})
    status["conditions"][0]["reason"] = "Invented"
    status["regions"][0] |= {"verificationStatus": "PAUSED", "reason": "Invented"}
    status["dns"] |= {"provider": "CloudDNS"}
    status["dns"]["records"][0] |= {"state": "Signed", "purpose": "BIMI", "type": "SVCB"}
    read = SesIdentity.model_validate(written).status
    ready = find(read.conditions, ConditionType.READY)
    assert ready is not None
    assert ready.reason == "Invented"
    assert lost(status, read.to_json()) == []


def test_a_inventory_of_a_newer_operator_says_what_is_known_of_it() -> None:
    newer = '{"regions":["eu-west-1"],"tagKeys":[],"places":["Route53/Z1","CloudDNS/x"],"invented":[],"account":"111122223333"}'
    assert Inventory.decode(newer) == Inventory(
        regions=frozenset({"eu-west-1"}), places=frozenset({"Route53/Z1", "CloudDNS/x"}), account="111122223333"
    )


def test_a_ledger_reads_as_it_was_first_written_and_lines_of_newer_kinds_are_passed_over() -> None:
    first = [
        "heritage=ses-operator,owner=prod/team-a/mail",
        "MX bounce-eu-west-1 547170e015280947",
        "CNAME ckrenhj2koifpanyejhgy74nqqf6i22q._domainkey 6bf59b07b34eb2b0",
    ]
    ledger = Ledger.decode([*first, "SVCB bimi 0123456789abcdef", "version=2"], "mail.example.com")
    assert ledger is not None
    assert (ledger.owner.installation_id, ledger.owner.key) == ("prod", ObjectKey("team-a", "mail"))
    assert ledger.lines == {
        RecordId("bounce-eu-west-1.mail.example.com", RecordType.MX): Line("547170e015280947"),
        RecordId("ckrenhj2koifpanyejhgy74nqqf6i22q._domainkey.mail.example.com", RecordType.CNAME): Line(
            "6bf59b07b34eb2b0"
        ),
    }
    assert set(ledger.encode("mail.example.com")) == set(first)
