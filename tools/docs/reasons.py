"""`python -m docs.reasons`: writes docs/reasons.md from the reasons that the API defines. Run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator

from docs.writing import ROOT, write
from ses_operator.api.base.actors import Actor
from ses_operator.api.base.reasons import Reason

PAGE = ROOT / "docs" / "reasons.md"

_HEAD = """\
<!-- Written by `make docs` from operator/ses_operator/api/base/reasons.py. Change the reasons there. -->
# Reasons

Every condition, and every region in status that is not ready yet, has a reason: one word for programs, next to a message
for people. The words are part of the API: they are not renamed within a version of the API.

The reasons are grouped by who has to act. A reason stalls if only a change of this object's spec, or of a policy, can help:
`Stalled` is then `True`, and tools such as Flux stop waiting. With every other reason except `Succeeded`, `Reconciling` is `True`
together with `Ready=False`: the object may still become ready without a change, or after another party acts.

[troubleshooting.md](troubleshooting.md) says what to do about each reason, [concepts.md](concepts.md) what the conditions mean.
"""

_HEADINGS = {
    Actor.NONE: "All is well",
    Actor.OPERATOR: "On the way",
    Actor.DNS: "The DNS zone",
    Actor.MAILBOX: "The mailbox of an address",
    Actor.PLATFORM: "The cluster, the SesAccount, the AWS account",
    Actor.AUTHOR: "The spec of the object",
}


def page() -> str:
    """Return the whole page. Reasons are in the order of their definition, under the party that can act."""
    return "\n".join((_HEAD, *(_section(actor) for actor in Actor)))


def _section(actor: Actor) -> str:
    return "\n".join((f"## {_HEADINGS[actor]}", "", f"Who acts: {actor.value}.", "", *_table(actor), ""))


def _table(actor: Actor) -> Iterator[str]:
    yield "| Reason | What it means | Stalls |"
    yield "| --- | --- | --- |"
    for reason in Reason:
        if reason.actor is actor:
            yield f"| `{reason}` | {reason.meaning} | {'yes' if reason.stalls else 'no'} |"


if __name__ == "__main__":
    write(PAGE, page())
