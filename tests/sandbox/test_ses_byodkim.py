"""Bring Your Own DKIM on an identity that is in use: from key to key, from Easy DKIM and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ses_world import SesWorld, private_key, refused, ses_world, verified_domain

DOMAIN = "example.com"


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world() as world:
        yield world


def switch(world: SesWorld, selector: str, private: str, domain: str = DOMAIN) -> Any:
    return world.client().put_email_identity_dkim_signing_attributes(
        EmailIdentity=domain,
        SigningAttributesOrigin="EXTERNAL",
        SigningAttributes={"DomainSigningSelector": selector, "DomainSigningPrivateKey": private},
    )


def record(selector: str, public: str) -> str:
    value = f"v=DKIM1; k=rsa; p={public}"
    return f'{selector}._domainkey 300 IN TXT "{value[:255]}" "{value[255:]}"\n'


def dkim(world: SesWorld) -> tuple[str, str, list[str]]:
    found = world.client().get_email_identity(EmailIdentity=DOMAIN)
    attributes = found["DkimAttributes"]
    return found["VerificationStatus"], attributes["Status"], attributes["Tokens"]


def test_a_key_of_ones_own_on_a_verified_domain_waits_for_its_record_and_the_domain_stays_verified(
    world: SesWorld,
) -> None:
    """API reference, PutEmailIdentityDkimSigningAttributes ("Change from using Easy DKIM to using BYODKIM"; DkimTokens: "the
    selector that's associated with your public key")."""
    lines = verified_domain(world)
    private, public = private_key()
    answer = switch(world, "s1", private)
    assert (answer["DkimStatus"], answer["DkimTokens"]) == ("PENDING", ["s1"])
    assert "SigningHostedZone" not in answer
    assert dkim(world) == ("SUCCESS", "PENDING", ["s1"])
    world.zone(DOMAIN, lines + record("s1", public))
    world.checked(DOMAIN)
    assert dkim(world) == ("SUCCESS", "SUCCESS", ["s1"])


def test_another_key_under_the_same_selector_waits_until_the_record_has_it(world: SesWorld) -> None:
    """API reference, DkimAttributes.Status; "The value of the TXT record must be a public key that's paired with the private
    key that you specified"."""
    verified_domain(world)
    (first, first_public), (second, second_public) = private_key(1024), private_key(1024)
    switch(world, "s1", first)
    world.zone(DOMAIN, record("s1", first_public))
    assert world.checked(DOMAIN)["DkimAttributes"]["Status"] == "SUCCESS"
    switch(world, "s1", second)
    assert world.checked(DOMAIN)["DkimAttributes"]["Status"] == "PENDING"
    world.zone(DOMAIN, record("s1", second_public))
    assert world.checked(DOMAIN)["DkimAttributes"]["Status"] == "SUCCESS"


def test_back_to_easy_dkim_the_answer_tells_the_tokens_that_the_domain_had_before(world: SesWorld) -> None:
    """API reference ("Change from using BYODKIM to using Easy DKIM"); notes: recreating an identity gives the same tokens."""
    lines = verified_domain(world)
    before = dkim(world)[2]
    switch(world, "s1", private_key(1024)[0])
    answer = world.client().put_email_identity_dkim_signing_attributes(
        EmailIdentity=DOMAIN,
        SigningAttributesOrigin="AWS_SES",
        SigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"},
    )
    assert (answer["DkimStatus"], answer["DkimTokens"]) == ("PENDING", before)
    assert answer["SigningHostedZone"] in lines
    assert world.checked(DOMAIN)["DkimAttributes"]["Status"] == "SUCCESS"


def test_a_key_for_a_domain_that_does_not_exist_or_for_an_address_is_refused(world: SesWorld) -> None:
    """API reference: NotFoundException; Developer Guide: DKIM of an address is that of its domain."""
    private = private_key(1024)[0]
    with refused("NotFoundException"):
        switch(world, "s1", private)
    world.client().create_email_identity(EmailIdentity="a@example.com")
    with refused("BadRequestException"):
        switch(world, "s1", private, "a@example.com")


@pytest.mark.parametrize("selector", ["-s1", "s1.mail", "s_1", "s" * 64])
def test_a_selector_has_1_to_63_letters_digits_and_hyphens(world: SesWorld, selector: str) -> None:
    """API reference, DkimSigningAttributes: DomainSigningSelector, pattern and length."""
    verified_domain(world)
    with refused("BadRequestException"):
        switch(world, selector, private_key(1024)[0])
