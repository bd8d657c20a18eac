"""The access to an account, as a value."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.aws.calls.config import AccountConfig, Role, StaticCredentials, session_name

CONFIG = AccountConfig(
    name="default",
    credentials=StaticCredentials("AKIAEXAMPLE", "s3cr3t-key", "s3cr3t-token"),
    roles=(Role("arn:aws-us-gov:iam::123456789012:role/ses", external_id="s3cr3t-id"),),
)


def test_no_secret_is_shown() -> None:
    assert "s3cr3t" not in repr(CONFIG)
    assert "s3cr3t" not in str(CONFIG)


def test_a_renewed_key_is_another_access() -> None:
    renewed = replace(CONFIG, credentials=StaticCredentials("AKIAEXAMPLE", "other"))
    assert renewed != CONFIG
    assert replace(CONFIG) == CONFIG


def test_the_partition_is_that_of_the_role() -> None:
    assert CONFIG.partition == "aws-us-gov"
    assert replace(CONFIG, roles=()).partition == "", "the credentials alone know"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ses-operator", "ses-operator"), ("team a/mail", "team-a-mail"), ("é", "ses-operator"), ("", "ses-operator")],
)
def test_session_names_are_made_such_as_sts_takes(text: str, expected: str) -> None:
    assert session_name(text) == expected


@given(st.text())
def test_every_text_gives_a_valid_session_name(text: str) -> None:
    name = session_name(text)
    assert 2 <= len(name) <= 64
    assert all(character.isascii() and (character.isalnum() or character in "_+=,.@-") for character in name)
