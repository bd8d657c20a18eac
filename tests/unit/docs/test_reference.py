"""docs/reference.md says what the CRDs say."""

from __future__ import annotations

from docs.reference import PAGE, page
from ses_operator.api.schema.crd import render_all
from ses_operator.api.schema.kinds import KINDS


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_fields_stand_there_by_their_whole_path() -> None:
    text, fields = page(), ("spec.dns.route53.zoneRef.name", "spec.authorizedSenders[].principals", "spec.tags")
    assert [field for field in fields if f"| `{field}` |" not in text] == []


def test_every_message_of_a_refusal_stands_there() -> None:
    text, manifests = page(), "\n".join(render_all().values())
    assert len(KINDS) == text.count("\n### Refused in a ")
    assert manifests.count("  message: ") <= text.count(" |\n")
