"""What others wrote cannot forge a line, command a terminal or turn the direction of writing, wherever it is shown."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.notifications import Moment
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.metrics import registry as metrics
from ses_operator.core.metrics.identity_metrics import Sample
from ses_operator.core.model.outer_text import clean, clean_json, cut, one_line
from ses_operator.core.notifications.emails import News, Sender, letter
from ses_operator.instruments import families
from ses_operator.logs import JsonFormatter, TextFormatter
from ses_operator.runtime.kube.events import Event, _body
from ses_operator.runtime.kube.resources import Resource

HOSTILE = (
    "x\n2026-01-31T12:00:00.000Z INFO forged", "x\r\nforged",
    "\x1b[2J\x1b]0;title\x07", "\x9b31m", "\u202eabc\u202c", "\u2066x\u2069",
    "\u200b\u200e\u061c\ufeff\u00ad", "\x00", "\x85", "\u2028", "\u2029", "\udc80", "\ud800", "\U000e0041", "\x7f", "a\tb",
)  # fmt: skip
TEXTS = st.sampled_from(HOSTILE) | st.text() | st.text(st.sampled_from("\n\r\t\x00\x1b\x9b\u202e\u2066\u2028\udc80 a"))


@given(TEXTS)
def test_it_is_one_line_of_characters_that_are_seen_and_is_cleaned_once(text: str) -> None:
    cleaned = clean(text)
    assert all(char.isprintable() or char.isspace() for char in cleaned)
    assert len(cleaned.splitlines()) <= 1
    assert clean(cleaned) == cleaned
    cleaned.encode()
    assert one_line(text).isprintable()


@pytest.mark.parametrize("text", ["", "münchen.example", "v=spf1 include:amazonses.com ~all", '"a" "b"', "漢字", "🙂"])
def test_what_is_seen_stays_as_it_is(text: str) -> None:
    assert clean(text) is text


def test_what_is_not_seen_is_shown_as_its_escape() -> None:
    assert clean("a\nb\x1b[0m\u202e\udc80") == r"a\nb\x1b[0m\u202e\udc80"


def _record(text: str) -> logging.LogRecord:
    exc_info = (ValueError, ValueError(text), None)
    return logging.makeLogRecord(
        {"name": "test", "msg": "answer %s", "args": (text,), "levelname": "INFO", "exc_info": exc_info, "object": text}
    )


def _in_text_log(text: str) -> Iterator[str]:
    first, *rest = TextFormatter().format(_record(text)).splitlines()
    assert all(line.startswith("    ") for line in rest), "what an error says is set in"
    return iter([first, *rest])


def _in_json_log(text: str) -> Iterator[str]:
    (line,) = JsonFormatter().format(_record(text)).splitlines()
    for value in json.loads(line).values():
        yield from value.splitlines()


def _in_status(text: str) -> Iterator[str]:
    status = clean_json({"records": [{"found": [text]}], text: text, "n": 1, "b": True, "none": None}, 100)
    assert (status["n"], status["b"], status["none"]) == (1, True, None)
    yield status["records"][0]["found"][0]
    yield from map(str, status)


class _Happened:
    type, reason = "Warning", "Reason"
    name, namespace, uid, resource_version = "mail", "team-a", "u1", "1"

    def __init__(self, message: str) -> None:
        self.message = message


def _in_event(text: str) -> Iterator[str]:
    happened = _Happened(text)
    body = _body(Event(Resource("g", "v1", "kinds", "Kind"), happened, happened), "", datetime.now(UTC))
    yield body["message"]


def _in_metric(text: str) -> Iterator[str]:
    (family,) = families([Sample(metrics.OBJECTS, (text, "False", text, "author"), 1.0)])
    yield from family.samples[0].labels.values()


def _in_email(text: str) -> Iterator[str]:
    text = text.encode("utf-8", "replace").decode()  # the apiserver keeps no lone surrogates
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": text,
        "message": text,
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }
    region = {"region": text, "reason": text, "message": text}
    identity = SesIdentity.model_validate(
        {
            "metadata": {"name": "mail", "namespace": "team-a"},
            "spec": {"domain": text, "regions": ["eu-west-1"]},
            "status": {"conditions": [ready], "regions": [region]},
        }
    )
    email = letter(Sender("id", "default", "123456789012"), News(identity, Moment.STUCK))
    yield email.subject
    yield from (line for line in email.text.split("\n"))
    yield from (line for line in email.html.split("\n"))


WAYS_OUT: tuple[Callable[[str], Iterator[str]], ...] = (
    _in_text_log, _in_json_log, _in_status, _in_event, _in_metric, _in_email,
)  # fmt: skip


@pytest.mark.parametrize("way_out", WAYS_OUT, ids=lambda way_out: way_out.__name__.removeprefix("_"))
@given(text=TEXTS)
def test_on_every_way_out_it_is_cleaned(way_out: Callable[[str], Iterator[str]], text: str) -> None:
    for shown in way_out(text):
        assert all(char.isprintable() or (char.isspace() and len(f"{char}.".splitlines()) == 1) for char in shown), (
            shown
        )
        shown.encode()


SINKS = {
    "StreamHandler": {"logs.py"},
    "status": {"controllers/shared/writes.py", "cli/storage.py"},
    "collection of EVENTS": {"runtime/kube/events.py"},
    "add_metric": {"instruments.py"},
    "Email": {"core/notifications/emails.py"},
    "POLICY_REPORTS.object": {"controllers/account/policy_reports.py"},
}
"""The calls with which text leaves the operator, and the modules that may make them: each cleans what it hands on."""


def _sink(call: ast.Call) -> str | None:
    match call.func:
        case ast.Attribute(attr="StreamHandler"):
            return "StreamHandler"
        case ast.Attribute(
            value=ast.Name(id="resource" | "DEFINITIONS" | "IDENTITIES" | "ACCOUNTS" | "TEMPLATES"), attr="status"
        ):
            return "status"
        case ast.Attribute(value=ast.Name(id="EVENTS"), attr="collection"):
            return "collection of EVENTS"
        case ast.Attribute(attr="add_metric"):
            return "add_metric"
        case ast.Name(id="Email"):
            return "Email"
        case ast.Attribute(value=ast.Name(id="POLICY_REPORTS"), attr="object"):
            return "POLICY_REPORTS.object"
    return None


def test_text_leaves_the_operator_only_where_it_is_cleaned() -> None:
    root = Path(__file__).parents[4] / "operator" / "ses_operator"
    found: dict[str, set[str]] = {}
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (sink := _sink(node)) is not None:
                found.setdefault(sink, set()).add(str(path.relative_to(root)))
    assert found == SINKS


@given(st.text(), st.integers(1, 20))
def test_a_cut_is_never_longer_than_asked_for(text: str, longest: int) -> None:
    assert len(cut(text, longest)) <= longest
