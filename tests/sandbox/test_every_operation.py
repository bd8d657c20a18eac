"""Whatever is asked of the sandbox is answered in the protocol of its service, and ends no thread that serves others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from sandbox.minimal import minimal, wrongly_typed
from sandbox.ses_world import SesWorld, refused, ses_world
from ses_sandbox.errors import AwsError
from ses_sandbox.ses.protocol.wire import Match, RestJson, service_model
from ses_sandbox.ses.service import V1_OPERATIONS, V2_OPERATIONS

SERVICES = ("route53", "sesv2", "ses", "sns", "sts", "iam")
PAGES = "text/html"


@pytest.fixture(scope="module")
def world() -> Iterator[SesWorld]:
    with ses_world(seed_zones=("example.com",)) as world:
        yield world


def assert_dns_answers(world: SesWorld) -> None:
    host, port = world.sandbox.dns_address
    answer = dns.query.udp(dns.message.make_query("example.com", "SOA"), host, port=port, timeout=10)
    assert answer.rcode() == dns.rcode.NOERROR


def answer_of(client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """What botocore reads out of the answer, of success as of refusal: it has to be in the service's protocol."""
    try:
        return dict(getattr(client, xform_name(operation))(**params))
    except ClientError as refused:
        return dict(refused.response)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_a_service_is_answered_and_leaves_the_others_served(world: SesWorld, service: str) -> None:
    """botocore's models: each operation with the least that it needs."""
    client = world.client(service)
    for name in client.meta.service_model.operation_names:
        operation = client.meta.service_model.operation_model(name)
        answer = answer_of(client, name, minimal(operation.input_shape))
        metadata = answer["ResponseMetadata"]
        assert not metadata["HTTPHeaders"].get("content-type", "").startswith(PAGES), (name, metadata)
        if metadata["HTTPStatusCode"] == 501:
            assert name in answer["Error"]["Message"], answer
        elif metadata["HTTPStatusCode"] >= 400:
            assert not answer["Error"]["Code"].isdecimal(), (name, answer)
        assert_dns_answers(world)


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("sesv2", "CreateEmailTemplate", {"TemplateName": "a", "TemplateContent": {"Subject": "b"}}),
        ("ses", "UpdateReceiptRule", {"RuleSetName": "a", "Rule": {"Name": "b"}}),
        ("route53", "CreateTrafficPolicy", {"Name": "a", "Document": "{}"}),
    ],
)
def test_an_operation_that_the_sandbox_lacks_is_named(
    world: SesWorld, service: str, operation: str, params: dict[str, Any]
) -> None:
    """Not a page of moto's, and not a code that stands for something else at AWS."""
    answer = answer_of(world.client(service), operation, params)
    if answer["ResponseMetadata"]["HTTPStatusCode"] == 501:
        assert (answer["Error"]["Code"], operation in answer["Error"]["Message"]) == ("NotImplemented", True)


@pytest.mark.parametrize(
    ("service", "path", "kind"),
    [("sesv2", "/v2/email/nonsense", "application/json"), ("route53", "/2013-04-01/nonsense", "text/xml")],
)
def test_a_path_that_no_model_has_is_an_unknown_operation(world: SesWorld, service: str, path: str, kind: str) -> None:
    client = world.new_client(service)

    def elsewhere(request: Any, **_: Any) -> None:
        request.url = f"{world.sandbox.aws_url}{path}"

    client.meta.events.register_first("before-sign", elsewhere)
    operation = "ListEmailIdentities" if service == "sesv2" else "ListHostedZones"
    answer = answer_of(client, operation, {})
    metadata = answer["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], answer["Error"]["Code"]) == (404, "UnknownOperationException")
    assert metadata["HTTPHeaders"]["content-type"].startswith(kind)


def test_an_action_that_the_first_version_does_not_have_is_invalid(world: SesWorld) -> None:
    """Common errors of query APIs: InvalidAction, HTTP 400."""
    client = world.new_client("ses")

    def another(params: dict[str, Any], **_: Any) -> None:
        params["body"]["Action"] = "MakeCoffee"

    client.meta.events.register("before-call", another)
    with refused("InvalidAction", "Could not find operation MakeCoffee for version 2010-12-01"):
        client.list_identities()


def test_dns_answers_after_a_zone_on_a_reusable_delegation_set(world: SesWorld) -> None:
    """API reference, CreateReusableDelegationSet, CreateHostedZone: the zone has the servers of the set."""
    client = world.client("route53")
    made = client.create_reusable_delegation_set(CallerReference="set")["DelegationSet"]
    zone = client.create_hosted_zone(Name="set.example.org", CallerReference="zone", DelegationSetId=made["Id"])
    assert zone["DelegationSet"]["NameServers"] == made["NameServers"]
    host, port = world.sandbox.dns_address
    answer = dns.query.udp(dns.message.make_query("set.example.org", "SOA"), host, port=port, timeout=10)
    assert made["NameServers"][0] in answer.answer[0].to_text()
    assert_dns_answers(world)
    with refused("NoSuchDelegationSet"):
        client.create_hosted_zone(Name="b.example.org", CallerReference="b", DelegationSetId="N404")


def test_a_question_that_breaks_the_name_server_is_failed_and_the_next_one_answered(
    world: SesWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No request ends a thread: SERVFAIL, and a traceback in the log."""
    monkeypatch.setattr("ses_sandbox.dnsserver.responder._from_zone", lambda *_: 1 / 0)
    host, port = world.sandbox.dns_address
    for ask in (dns.query.udp, dns.query.tcp):
        answer = ask(dns.message.make_query("broken.example.com", "TXT"), host, port=port, timeout=10)
        assert answer.rcode() == dns.rcode.SERVFAIL
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert_dns_answers(world)


def test_a_call_that_breaks_the_sandbox_is_answered_in_its_protocol(
    world: SesWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(V2_OPERATIONS, "GetAccount", lambda *_: 1 / 0)
    monkeypatch.setitem(V1_OPERATIONS, "GetSendQuota", lambda *_: 1 / 0)
    with refused("InternalFailure", "GetAccount"):
        world.client().get_account()
    with refused("InternalFailure", "GetSendQuota"):
        world.client("ses").get_send_quota()
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    world.client().get_account()


def test_json_of_a_wrong_type_is_a_serialization_error_for_every_member_there_is() -> None:
    """AWS's rest-json services stop reading then: SerializationException, and no word of other members."""
    model = service_model("sesv2")
    protocol = RestJson(model, {})
    cases = 0
    for name in V2_OPERATIONS:
        operation = model.operation_model(name)
        if operation.http["method"] in ("GET", "DELETE"):
            continue
        for path, params in wrongly_typed(operation):
            cases += 1
            with pytest.raises(AwsError) as caught:
                protocol.parse(Match(name, {}), "", json.dumps(params, default=str).encode())
            assert caught.value.code == "SerializationException", (name, path, caught.value)
    assert cases > 100


def test_json_nested_too_deep_is_a_serialization_error(world: SesWorld) -> None:
    client = world.new_client()

    def deep(request: Any, **_: Any) -> None:
        request.data = b'{"Tags":' + b"[" * 100_000

    client.meta.events.register_first("before-sign", deep)
    with refused("SerializationException"):
        client.create_email_identity(EmailIdentity="example.com")
