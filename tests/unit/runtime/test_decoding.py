"""JSON of the apiserver: what one object has in it hides no other, and takes no more room than its fields may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.core.model.bounds import LEFT_OUT
from ses_operator.runtime.kube import decoding
from ses_operator.runtime.kube.decoding import MAX_DEPTH, bounded, decodable, decode, decode_now

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def deep(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * levels + "1" + closing * levels


def identity(name: str, document: str) -> str:
    spec = f'{{"policies":[{{"name":"p","document":{document}}}]}}'
    return f'{{"apiVersion":"v1","kind":"SesIdentity","metadata":{{"name":"{name}"}},"spec":{spec}}}'


def listed(*objects: str) -> bytes:
    return f'{{"apiVersion":"v1","items":[{",".join(objects)}],"kind":"SesIdentityList","metadata":{{}}}}'.encode()


@given(VALUES)
def test_what_is_within_bounds_is_decoded_as_it_is(value: Any) -> None:
    raw = json.dumps(value, ensure_ascii=False).encode()
    assert bounded(raw) == raw
    assert decode_now(raw) == value


def was_cut(obj: Any) -> bool:
    """True if something was cut out of this object."""
    return json.dumps(LEFT_OUT) in json.dumps(obj)


@pytest.mark.parametrize("levels", [65, 150, 250, 990, 1010, 2000, 9_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]"), ('[{"]{":', "}]")])
def test_one_object_nested_too_deeply_hides_no_other_of_its_list(levels: int, opening: str, closing: str) -> None:
    found = decode_now(
        listed(identity("before", "{}"), identity("deep", deep(levels, opening, closing)), identity("after", "1"))
    )
    assert [item["metadata"]["name"] for item in found["items"]] == ["before", "deep", "after"]
    assert not was_cut(found["items"][0])
    assert not was_cut(found["items"][2])


def test_an_event_about_an_object_nested_too_deeply_names_it() -> None:
    found = decode_now(f'{{"type":"ADDED","object":{identity("deep", deep(2000))}}}'.encode())
    assert found["object"]["metadata"]["name"] == "deep"
    assert was_cut(found["object"])
    assert len(json.dumps(found)) < 10 * MAX_DEPTH + 400


async def test_a_large_value_of_any_shape_is_cut_out_and_the_rest_is_kept() -> None:
    large = identity("large", json.dumps([[]] * 200_000))
    for found in (
        await decode(large.encode()),
        (await decode(f'{{"type":"ADDED","object":{large}}}'.encode()))["object"],
    ):
        assert found["metadata"]["name"] == "large"
        assert found["spec"]["policies"] == [{"name": "p", "document": LEFT_OUT}]


async def test_a_large_annotation_is_kept() -> None:
    raw = json.dumps({"metadata": {"annotations": {"a": "{[" * 200_000}}}).encode()
    assert await decode(raw) == json.loads(raw)


def test_a_list_of_large_objects_is_cut_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LARGE_PAGE", 1_000_000)
    large = identity("large", json.dumps([[]] * 100_000))
    found = decode_now(listed(*[large] * 4))
    assert [item["spec"]["policies"][0]["document"] for item in found["items"]] == [LEFT_OUT] * 4


@pytest.mark.parametrize(
    "text", ['{"a":1e400}', '{"a":NaN}', '{"a":"\\ud800"}', '{"a":' + "9" * 5000 + "}", '{"a":1,"a":2}']
)
def test_numbers_and_characters_that_no_field_can_have_hide_no_other_object(text: str) -> None:
    assert len(decode_now(listed(identity("odd", text), identity("after", "1")))["items"]) == 2


@pytest.mark.parametrize("raw", [b"", b"}", b"{", b"]]", b"nul", b'{"a', b"<html>", b'["' + b'\\"' * 1000])
async def test_what_is_no_json_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        await decode(raw)


@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
async def test_whatever_a_line_of_a_watch_has_python_can_decode_it_or_it_is_no_json(raw: bytes) -> None:
    try:
        json.loads(await decodable(raw))
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            json.loads(raw)
