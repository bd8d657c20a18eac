"""Which parts of a zone are known, and how old that knowledge is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet
from ses_operator.dns.zone_cache import Stretch, ZoneCache, order_key

_labels = st.sampled_from(["a", "b", "a-b", "_x", "0"])
_names = st.lists(_labels, max_size=3).map(lambda labels: ".".join([*labels, "example.com"]))
WHOLE = Stretch("", None)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def cache(time: Time) -> ZoneCache:
    return ZoneCache(time, lifetime=60)


def text(name: str, value: str = '"x"') -> ZoneSet:
    return ZoneSet(name, "TXT", 300, (value,))


@given(_names, _names)
def test_a_domain_and_all_below_it_stand_together_in_the_order(domain: str, name: str) -> None:
    within = Stretch.of_domain(domain)
    is_in = within.start <= order_key(name) < (within.end or "")
    assert is_in == (name == domain or name.endswith(f".{domain}"))


@given(_names, _names)
def test_what_is_cut_out_of_a_stretch_is_not_covered_and_the_rest_is(domain: str, name: str) -> None:
    parts = WHOLE.without(Stretch.of_domain(domain))
    point = Stretch(order_key(name), order_key(name) + "\0")
    assert any(part.covers(point) for part in parts) == (name != domain and not name.endswith(f".{domain}"))


@given(st.sets(_names), _names)
def test_a_view_holds_all_that_stands_at_the_domain_and_below(names: set[str], domain: str) -> None:
    cache = ZoneCache(Time())
    cache.remember(WHOLE, map(text, names))
    view = cache.view(domain)
    assert view is not None
    assert set(view) == {name for name in names if name == domain or name.endswith(f".{domain}")}


def test_nothing_is_known_of_what_was_not_read(cache: ZoneCache) -> None:
    assert cache.view("example.com") is None
    cache.remember(Stretch.of_domain("a.example.com"), [])
    assert cache.view("a.example.com") == {}
    assert cache.view("b.example.com") is None
    assert cache.view("example.com") is None


def test_knowledge_is_forgotten_when_it_is_old(cache: ZoneCache, time: Time) -> None:
    cache.remember(WHOLE, [text("a.example.com")])
    time.now = 59
    assert cache.view("example.com") == {"a.example.com": [text("a.example.com")]}
    time.now = 60
    assert cache.view("example.com") is None


def test_a_domain_that_is_forgotten_leaves_its_neighbours_known(cache: ZoneCache) -> None:
    cache.remember(WHOLE, [text("a.example.com"), text("b.example.com")])
    cache.forget("a.example.com")
    assert cache.view("a.example.com") is None
    assert cache.view("example.com") is None
    assert cache.view("b.example.com") == {"b.example.com": [text("b.example.com")]}


def test_reading_again_replaces_what_stood_there(cache: ZoneCache) -> None:
    cache.remember(WHOLE, [text("a.example.com"), text("b.example.com")])
    cache.remember(Stretch.of_domain("a.example.com"), [text("x.a.example.com")])
    assert set(cache.view("example.com") or ()) == {"x.a.example.com", "b.example.com"}


def test_our_own_changes_are_known_without_reading(cache: ZoneCache) -> None:
    old, new = text("a.example.com"), text("a.example.com", '"y"')
    cache.remember(WHOLE, [old])
    changes = [
        Change(ChangeAction.DELETE, old),
        Change(ChangeAction.CREATE, new),
        Change(ChangeAction.CREATE, text("b.example.com")),
    ]
    for _ in range(2):
        cache.changed(changes)
        assert cache.view("example.com") == {"a.example.com": [new], "b.example.com": [text("b.example.com")]}
