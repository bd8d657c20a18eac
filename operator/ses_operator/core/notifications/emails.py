"""The emails about identities: subject, text and HTML. Pure.

The contents of objects and of DNS may come from anyone: in the subject and in the text they are kept to one line of
printable characters, in HTML they are escaped. There are no links, no images and nothing that is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ses_operator.api.account.notifications import Moment
from ses_operator.api.base.actors import Actor
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.model import rfc3339
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.outer_text import cut, one_line

MAX_SUBJECT = 200
"""Characters: more than mail programs show, and far from the 998 of RFC 5322, 2.1.1."""

MAX_LISTED = 25
"""The identities that a digest describes; of the rest it gives the number."""

HAPPENED = {
    Moment.STUCK: "is stuck",
    Moment.FAILED: "failed to be verified",
    Moment.REVOKED: "lost its verification",
    Moment.VERIFIED: "is verified",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of an email: the installation of the operator, the SesAccount and its AWS account."""

    installation_id: str
    account: str
    account_id: str


@dataclass(frozen=True, slots=True)
class News:
    """One identity, as it was when the email was made, and what is reported of it."""

    identity: SesIdentity
    moment: Moment


@dataclass(frozen=True, slots=True)
class Email:
    """The contents of an email, without sender and recipients."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading, lines of label and value, and a table with its header as first row."""

    heading: str
    lines: tuple[tuple[str, str], ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


def letter(sender: Sender, news: News) -> Email:
    """Return the email about one identity."""
    subject = f"{_name(news.identity)} {HAPPENED[news.moment]}{_because(news)}"
    return _made(sender, subject, (_about(news),))


def digest(sender: Sender, listed: Sequence[News], counts: Mapping[Moment, int]) -> Email:
    """Return the email about all that were held back. ``listed``: those that are described; ``counts``: the number of all."""
    total = sum(counts.values())
    subject = f"{total} identities: {', '.join(f'{count} {moment.lower()}' for moment, count in counts.items())}"
    limit = f"spec.notifications.maxPerHour of SesAccount {sender.account}"
    why = f"{total} were held back because {limit} is used up, and are reported here together"
    summary = _Section(
        "A digest", (("Held back", why), *((moment.value, str(count)) for moment, count in counts.items()))
    )
    missing = total - len(listed)
    rest = (_Section(f"And {missing} more", (("See", "kubectl get sesidentities --all-namespaces"),)),)
    return _made(sender, subject, (summary, *map(_about, listed), *(rest if missing > 0 else ())))


def _because(news: News) -> str:
    ready = find(news.identity.status.conditions, ConditionType.READY)
    return f" ({ready.reason})" if ready and news.moment is not Moment.VERIFIED else ""


def _about(news: News) -> _Section:
    identity, moment = news.identity, news.moment
    status, meta = identity.status, identity.metadata
    ready = find(status.conditions, ConditionType.READY)
    lines = []
    if ready is not None:
        lines = [
            ("Ready", f"{ready.status} since {rfc3339(ready.last_transition_time)}"),
            ("Message", ready.message),
            *(_reason(ready.reason) if moment is not Moment.VERIFIED else ()),
        ]
    return _Section(
        f"{_name(identity)} {HAPPENED[moment]}",
        (
            *lines,
            ("Object", f"SesIdentity {ObjectKey(meta.namespace, meta.name)}"),
            ("Look", f"kubectl describe sesidentity {meta.name} --namespace {meta.namespace}"),
        ),
        (
            ("Region", "Verification", "Reason", "Message"),
            *(
                (region.region, region.verification_status or "-", region.reason or "-", region.message or "-")
                for region in status.regions
            ),
        )
        if status.regions
        else (),
    )


def _reason(word: str) -> Iterable[tuple[str, str]]:
    """Yield the reason with its meaning, and who can act on it."""
    known = next((reason for reason in Reason if reason == word), None)
    yield "Reason", f"{word}: {known.meaning}" if known else word
    if known and known.actor is not Actor.NONE:
        yield "Next", known.actor.value


def _name(identity: SesIdentity) -> str:
    """Return the domain or address."""
    return identity.spec.identity


def _made(sender: Sender, subject: str, sections: Sequence[_Section]) -> Email:
    origin = (
        f"Sent by ses-operator, installation {sender.installation_id}, for SesAccount {sender.account} "
        f"(AWS account {sender.account_id}): its spec.notifications says what is sent to whom."
    )
    return Email(
        cut(one_line(f"[{sender.installation_id}] {subject}"), MAX_SUBJECT),
        "\n\n".join((*map(_text, sections), one_line(origin))) + "\n",
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_html(subject)}</title></head>\n<body>\n'
        + "\n".join(map(_markup, sections))
        + f"\n<p><small>{_html(origin)}</small></p>\n</body></html>\n",
    )


def _text(section: _Section) -> str:
    lines = [one_line(section.heading), *(f"{label}: {one_line(value)}" for label, value in section.lines)]
    lines += ["  " + "  ".join(one_line(cell) for cell in row) for row in section.table]
    return "\n".join(lines)


def _markup(section: _Section) -> str:
    lines = "".join(f"<dt><b>{_html(label)}</b></dt><dd>{_html(value)}</dd>\n" for label, value in section.lines)
    rows = "".join(f"<tr>{''.join(f'<td>{_html(cell)}</td>' for cell in row)}</tr>\n" for row in section.table)
    table = f'<table border="1" cellpadding="4">\n{rows}</table>\n' if rows else ""
    return f"<h2>{_html(section.heading)}</h2>\n<dl>\n{lines}</dl>\n{table}"


def _html(text: str) -> str:
    return escape(one_line(text), quote=True)
