"""TXT presentation. Sources: RFC 1035, 3.3.14 and 5.1; Route 53 Developer Guide, "TXT record type"."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.core.model.record_values.txt import quote, unquote


@pytest.mark.parametrize(
    ("text", "presentation"),
    [
        ("v=spf1 include:amazonses.com ~all", '"v=spf1 include:amazonses.com ~all"'),
        ("", '""'),
        ('say "hi"', r'"say \"hi\""'),
        ("back\\slash", r'"back\\slash"'),
        ("ü", r'"\303\274"'),
        ("tab\tnul\0", r'"tab\011nul\000"'),
        ("x" * 255, '"' + "x" * 255 + '"'),
        ("x" * 256, '"' + "x" * 255 + '" "x"'),
        ("x" * 254 + "ü", '"' + "x" * 254 + r'\303" "\274"'),
    ],
)
def test_text_is_quoted_escaped_and_split_as_route_53_wants_it(text: str, presentation: str) -> None:
    assert quote(text) == presentation
    assert unquote(presentation) == text


@pytest.mark.parametrize(
    ("presentation", "text"),
    [
        ('"two" "strings"', "twostrings"),
        ('"two""strings"', "twostrings"),
        ("bare", "bare"),
        ('"a  b"', "a  b"),
        (r'"\141"', "a"),
        (r'"\x"', "x"),
        ('"unclosed', "unclosed"),
        ("trailing\\", "trailing\\"),
        ("ü", "ü"),
    ],
)
def test_what_others_wrote_is_understood(presentation: str, text: str) -> None:
    assert unquote(presentation) == text


@given(st.text())
def test_quoting_is_undone_by_unquoting(text: str) -> None:
    assert unquote(quote(text)) == text


@given(st.text(max_size=1000))
def test_every_string_is_printable_and_holds_at_most_255_octets(text: str) -> None:
    for string in re.findall(r'"((?:[^"\\]|\\.)*)"', quote(text)):
        assert string.isascii()
        assert string.isprintable()
        assert len(re.findall(r"\\[0-7]{3}|\\.|.", string)) <= 255


@given(st.text())
def test_nothing_that_stands_in_a_zone_makes_unquoting_fail(presentation: str) -> None:
    assert isinstance(unquote(presentation), str)
