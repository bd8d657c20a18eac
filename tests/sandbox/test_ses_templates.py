"""Custom verification email templates, and the emails that are made by them.

Sources: SESv2 API reference; Developer Guide, "Using custom verification email templates".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, fetch, refused, ses_world, verified_domain

NAME, ADDRESS = "welcome", "customer@example.net"
WORDS = {
    "FromEmailAddress": "hello@example.com",
    "TemplateSubject": "Please confirm",
    "TemplateContent": '<h1 class="big">Welcome</h1>',
    "SuccessRedirectionURL": "https://www.example.com/yes",
    "FailureRedirectionURL": "https://www.example.com/no",
}
NOTHING_BUT_THE_CONTENT = {name: value for name, value in WORDS.items() if name != "TemplateContent"}


@pytest.fixture
def world() -> Iterator[SesWorld]:
    """A verified example.com in an account with production access."""
    with ses_world() as world:
        verified_domain(world)
        access(world, True)
        yield world


def access(world: SesWorld, granted: bool) -> None:
    """Says whether the account has production access."""
    settings = {"account": world.account, "region": REGION, "productionAccess": granted}
    status, answer = world.control("POST", "/account", settings)
    assert status == 200, answer


def create(world: SesWorld, name: str = NAME, **changed: Any) -> None:
    world.client().create_custom_verification_email_template(TemplateName=name, **{**WORDS, **changed})


def send(world: SesWorld, address: str = ADDRESS, **more: str) -> Any:
    return world.client().send_custom_verification_email(EmailAddress=address, TemplateName=NAME, **more)


def mails(world: SesWorld) -> list[Any]:
    return [mail for mail in world.control("GET", "/outbox")[1]["messages"] if mail["kind"] == "verification"]


def status(world: SesWorld) -> object:
    """The address's VerificationStatus."""
    return world.client().get_email_identity(EmailIdentity=ADDRESS)["VerificationStatus"]


def test_a_template_is_read_as_it_was_created_in_its_own_region(world: SesWorld) -> None:
    """API reference, CreateCustomVerificationEmailTemplate, Get…: "in the current AWS Region"."""
    tags = [{"Key": "team", "Value": "payments"}]
    create(world, Tags=tags)
    read = world.client().get_custom_verification_email_template(TemplateName=NAME)
    assert {key: value for key, value in read.items() if key != "ResponseMetadata"} == {
        "TemplateName": NAME,
        **WORDS,
        "Tags": tags,
    }
    with refused("NotFoundException", NAME):
        world.client(region=OTHER_REGION).get_custom_verification_email_template(TemplateName=NAME)


def test_an_update_overwrites_the_words_and_leaves_the_tags(world: SesWorld) -> None:
    """Developer Guide, "Editing a custom verification email template"; UpdateCustomVerificationEmailTemplate has no tags."""
    create(world, Tags=[{"Key": "team", "Value": "payments"}])
    changed = {**WORDS, "TemplateSubject": "Another"}
    world.client().update_custom_verification_email_template(TemplateName=NAME, **changed)
    read = world.client().get_custom_verification_email_template(TemplateName=NAME)
    assert (read["TemplateSubject"], read["Tags"]) == ("Another", [{"Key": "team", "Value": "payments"}])


def test_a_name_is_taken_once(world: SesWorld) -> None:
    """API reference, CreateCustomVerificationEmailTemplate, Errors: AlreadyExistsException."""
    create(world)
    with refused("AlreadyExistsException", NAME):
        create(world)


def test_what_does_not_exist_cannot_be_changed_deleted_or_sent(world: SesWorld) -> None:
    """API reference, Update…, Delete…, SendCustomVerificationEmail, Errors: NotFoundException."""
    client = world.client()
    with refused("NotFoundException", NAME):
        client.update_custom_verification_email_template(TemplateName=NAME, **WORDS)
    with refused("NotFoundException", NAME):
        client.delete_custom_verification_email_template(TemplateName=NAME)
    with refused("NotFoundException", NAME):
        send(world)
    assert mails(world) == []


def test_the_sender_of_a_template_has_to_be_verified(world: SesWorld) -> None:
    """API reference, CreateCustomVerificationEmailTemplate, Errors (first version): FromEmailAddressNotVerified."""
    with refused("NotFoundException", "hello@example.org"):
        create(world, FromEmailAddress="hello@example.org")
    create(world)
    with refused("NotFoundException", "hello@example.org"):
        world.client().update_custom_verification_email_template(
            TemplateName=NAME, **{**WORDS, "FromEmailAddress": "hello@example.org"}
        )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param('<a href="https://www.example.com">Here</a>', "<a>", id="a link"),
        pytest.param("<script>x</script>", "<script>", id="a script"),
        pytest.param('<p onclick="x">', "<p>", id="an attribute that is not in the table"),
        pytest.param('<p colspan="2">', "<p>", id="an attribute of another tag"),
        pytest.param("<p><!-- hidden --></p>", "comments", id="a comment"),
        pytest.param("x" * 10_000_001, "10 MB", id="more than 10 MB"),
    ],
)
def test_content_outside_the_table_of_tags_is_refused(world: SesWorld, content: str, words: str) -> None:
    """Developer Guide, "Custom verification email frequently asked questions", Q5."""
    with refused("BadRequestException", words):
        create(world, TemplateContent=content)


def test_what_the_table_of_tags_has_is_taken(world: SesWorld) -> None:
    """Developer Guide, "Custom verification email frequently asked questions", Q4 and Q5."""
    image = '<img src="data:image/png;base64,AA==" alt="logo" width="10"/>'
    create(
        world,
        TemplateContent=f'<html><body style="x"><table summary="s"><tr><td>{image}</td></tr></table></body></html>',
    )
    assert image in world.client().get_custom_verification_email_template(TemplateName=NAME)["TemplateContent"]


def test_there_are_at_most_50_templates(world: SesWorld) -> None:
    """Developer Guide, "Custom verification email frequently asked questions", Q1."""
    for number in range(50):
        create(world, f"template-{number}")
    with refused("LimitExceededException", "50"):
        create(world)
    world.client().delete_custom_verification_email_template(TemplateName="template-7")
    create(world)


def test_templates_are_listed_by_pages_without_their_content(world: SesWorld) -> None:
    """API reference, ListCustomVerificationEmailTemplates; PageSize: "at least 1, and can be no more than 50"."""
    for name in ("c", "a", "b"):
        create(world, name)
    client = world.client()
    first = client.list_custom_verification_email_templates(PageSize=2)
    rest = client.list_custom_verification_email_templates(PageSize=2, NextToken=first["NextToken"])
    assert "NextToken" not in rest
    assert [*first["CustomVerificationEmailTemplates"], *rest["CustomVerificationEmailTemplates"]] == [
        {"TemplateName": name, **NOTHING_BUT_THE_CONTENT} for name in ("a", "b", "c")
    ]
    for size in (0, 51):
        with refused("BadRequestException", "PageSize"):
            client.list_custom_verification_email_templates(PageSize=size)


def test_an_address_is_registered_and_verified_by_the_link_in_an_email_of_the_templates_words(world: SesWorld) -> None:
    """API reference, SendCustomVerificationEmail: "Adds an email address to the list of identities"; Developer Guide, Q2."""
    create(world)
    answer = send(world)
    [mail] = mails(world)
    assert answer["MessageId"] == mail["id"]
    assert (mail["sender"], mail["to"], mail["subject"]) == ("hello@example.com", [ADDRESS], "Please confirm")
    assert mail["text"].startswith(WORDS["TemplateContent"])
    assert mail["text"].endswith(mail["link"])
    assert status(world) == "PENDING"
    assert fetch(mail["link"])[0] == 200
    assert status(world) == "SUCCESS"


def test_an_address_whose_link_has_run_out_gets_another_that_replaces_it(world: SesWorld) -> None:
    """Developer Guide, "The link in the verification email expires after 24 hours"; notes: SendCustomVerificationEmail anew."""
    create(world)
    send(world)
    world.advance(hours=25)
    assert status(world) == "FAILED"
    send(world)
    old, new = mails(world)
    assert status(world) == "PENDING"
    assert (fetch(old["link"])[0], fetch(new["link"])[0]) == (404, 200)


def test_nothing_is_sent_without_production_access(world: SesWorld) -> None:
    """Developer Guide, "Custom verification email frequently asked questions", Q13."""
    create(world)
    access(world, False)
    with refused("BadRequestException", "ProductionAccessNotGranted"):
        send(world)
    with refused("NotFoundException", ADDRESS):
        world.client().get_email_identity(EmailIdentity=ADDRESS)


def test_nothing_is_sent_from_an_address_that_is_verified_no_more(world: SesWorld) -> None:
    """API reference, SendCustomVerificationEmail, Errors: MailFromDomainNotVerifiedException."""
    create(world)
    world.client().delete_email_identity(EmailIdentity="example.com")
    with refused("MailFromDomainNotVerifiedException", "hello@example.com"):
        send(world)


def test_an_email_is_for_an_address_and_its_configuration_set_exists(world: SesWorld) -> None:
    """API reference, SendCustomVerificationEmail: EmailAddress, ConfigurationSetName; Errors."""
    create(world)
    with refused("BadRequestException", "example.net"):
        send(world, "example.net")
    with refused("NotFoundException", "transactional"):
        send(world, ConfigurationSetName="transactional")
    world.client().create_configuration_set(ConfigurationSetName="transactional")
    assert send(world, ConfigurationSetName="transactional")["MessageId"]


def test_a_link_that_was_sent_outlives_its_template(world: SesWorld) -> None:
    """API reference, DeleteCustomVerificationEmailTemplate: it deletes the template, and nothing else."""
    create(world)
    send(world)
    world.client().delete_custom_verification_email_template(TemplateName=NAME)
    [mail] = mails(world)
    assert fetch(mail["link"])[0] == 200
