"""Verification templates: what SES allows in one, what is done in each region, whose they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.template import MAX_CONTENT
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.template_name import MAX_NAME, template_name
from ses_operator.core.templates.content import ALLOWED, content_fault
from ses_operator.core.templates.template import (
    CreateTemplate,
    DeleteTemplate,
    DesiredTemplate,
    NoTemplate,
    StandingTemplate,
    TemplateStep,
    TemplateText,
    TemplateView,
    UpdateTemplate,
    in_use,
    plan_template,
    template_after,
    template_problem,
)

REGION, LEFT = "eu-west-1", "us-east-1"
OWNER = Owner("tests", ObjectKey("team-a", "welcome"))
TEXT = TemplateText("a@example.com", "Hello", "<p>Hello</p>", "https://example.com/a", "https://example.com/b")
DESIRED = DesiredTemplate(OWNER, (REGION,), TEXT, {OWNER_TAG: str(OWNER)})
OURS, OTHER_TEXT = StandingTemplate(TEXT, str(OWNER)), replace(TEXT, subject="Another")
THEIRS = StandingTemplate(TEXT, "tests/team-b/welcome")
UNREAD = Problem(Reason.THROTTLED, "later")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("Just text, 2 < 3 & so on", None, id="text"),
        pytest.param('<!DOCTYPE html><html><body style="x"><BR/><p CLASS="a">&amp;</p></body></html>', None, id="HTML"),
        pytest.param('<img src="data:image/png;base64,AA" alt="a" width="1"/>', None, id="an image"),
        pytest.param('<td colspan="2">', None, id="an attribute of this tag"),
        pytest.param('<p>\n<a href="x">', "remove the tag <a> (SES adds the link itself) in line 2", id="a link"),
        pytest.param(
            "<p colspan=2>", "remove the attribute colspan of <p> in line 1", id="an attribute of another tag"
        ),
        pytest.param("<p onclick=x>", "remove the attribute onclick of <p>", id="a handler"),
        pytest.param("<script>x</script>", "remove the tag <script>", id="a script"),
        pytest.param("<style>p {}</style>", "remove the tag <style>", id="a style sheet"),
        pytest.param("<p><!-- hidden --></p>", "remove the comment in line 1", id="a comment"),
        pytest.param("<![if mso]><p>", "remove", id="a conditional section"),
        pytest.param("<?php x ?>", "remove the processing instruction", id="a processing instruction"),
        pytest.param("<a><a><a><a><a>", "; and 2 more", id="more than is told"),
        pytest.param("x" * 10_000_001, "more than 10 MB", id="too much"),
    ],
)
def test_the_body_of_an_email_may_have(content: str, words: str | None) -> None:
    fault = content_fault(content)
    assert fault is None if words is None else fault is not None and words in fault


@pytest.mark.parametrize(
    "unit", ["<", "<a ", "<p a='", "<p/", "<!--", "<![", "<?", "</", "<p a=b", "<b> ", " =", "<p\n"]
)
def test_the_longest_body_is_read_in_one_go_whatever_stands_in_it(unit: str) -> None:
    """A reader that goes back to where a tag began takes hours for some of these, in which nothing else runs."""
    fault = content_fault((unit * MAX_CONTENT)[:MAX_CONTENT])
    assert (fault is not None) == (unit in {"<!--", "<![", "<?", "</"})


@given(st.lists(st.sampled_from(["<", "<p", ">", " ", "a=", "'", '"', "/", "<!--", "-->", "<![", "]>", "<?", "\n"])))
def test_no_body_is_too_strange_to_be_judged(parts: list[str]) -> None:
    content_fault("".join(parts))


def test_every_tag_may_have_the_four_attributes_that_all_have() -> None:
    assert len(ALLOWED) == 74
    assert all(content_fault(f'<{tag} class="" id="" style="" title="">') is None for tag in ALLOWED)


def test_no_two_objects_have_a_template_of_the_same_name() -> None:
    owners = [
        Owner(installation, ObjectKey(namespace, name))
        for installation in ("a", "a-b")
        for namespace in ("b", "b-c", "c")
        for name in ("c", "b-c", "x" * 63, "x." + "y" * 61)
    ]
    names = {template_name(owner) for owner in owners}
    assert len(names) == len(owners)
    assert all(len(name) <= MAX_NAME and "." not in name for name in names)


@pytest.mark.parametrize(
    ("region", "view", "step"),
    [
        pytest.param(REGION, NoTemplate(), CreateTemplate(REGION, DESIRED.name, TEXT, DESIRED.tags), id="missing"),
        pytest.param(REGION, OURS, None, id="as it is wanted"),
        pytest.param(
            REGION, replace(OURS, text=OTHER_TEXT), UpdateTemplate(REGION, DESIRED.name, TEXT), id="changed by others"
        ),
        pytest.param(REGION, StandingTemplate(TEXT), None, id="without its tag, which its name stands for"),
        pytest.param(REGION, replace(THEIRS, text=OTHER_TEXT), None, id="of another"),
        pytest.param(REGION, UNREAD, None, id="not to be read"),
        pytest.param(LEFT, OURS, DeleteTemplate(LEFT, DESIRED.name), id="in a region that left"),
        pytest.param(LEFT, THEIRS, None, id="of another in a region that left"),
        pytest.param(LEFT, NoTemplate(), None, id="gone from a region that left"),
    ],
)
def test_a_template_is_planned_by_what_stands(region: str, view: TemplateView, step: TemplateStep | None) -> None:
    assert plan_template(DESIRED, {region: view}) == ((step,) if step else ())
    if step is not None:
        after = template_after(step)
        assert plan_template(DESIRED, {region: after}) == ()
        assert region == LEFT or template_problem(DESIRED, region, after) is None


def test_what_is_of_another_and_what_cannot_be_read_is_told() -> None:
    of_another = template_problem(DESIRED, REGION, THEIRS)
    assert of_another is not None
    assert of_another.reason is Reason.OWNED_BY_ANOTHER
    assert template_problem(DESIRED, REGION, UNREAD) is UNREAD


def test_a_template_in_use_names_its_users() -> None:
    assert in_use(()) is None
    held = in_use(("b", "a"))
    assert held is not None
    assert "a, b" in held.message
    assert not held.reason.stalls
