"""What may not be made twice, nor too early, nor too late: keys, emails, replicas, marks; the operator killed at any write.

That any other change of an identity ends where it would have is in test_any_change.py.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest

from cluster.mailroom import Mailroom
from cluster.templates import template
from cluster.tenant import Tenant, tags
from controllers.deaths import deaths
from controllers.world import World
from devcluster.apiclient import GROUP
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.keys.dkim_keys import read_key
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.core.model.record_values import txt

IRELAND, VIRGINIA, SYDNEY, OSAKA = "eu-west-1", "us-east-1", "ap-southeast-2", "ap-northeast-3"


@pytest.fixture
def killable(careful: World, tenant: Tenant) -> Tenant:
    return replace(tenant, wait=careful.until)


def test_a_dkim_key_is_made_once_and_the_next_operator_goes_on_with_it(killable: Tenant, careful: World) -> None:
    def create(number: int) -> None:
        source = {"selector": "s1", "privateKeySecretRef": {"name": f"made{number}"}, "generate": True}
        killable.create(
            IRELAND,
            name=f"mail{number}",
            domain=f"mail{number}.{killable.domain}",
            dkim={"mode": "BYODKIM", "byodkim": source},
        )

    def published(number: int) -> None:
        killable.wait(lambda: record(number), "the key to be published")

    def record(number: int) -> tuple[str, ...]:
        return killable.records().get((f"s1._domainkey.mail{number}.{killable.domain}", "TXT"), ())

    seen = set[str]()
    for number, written in deaths(careful, create, published):
        secrets = [write for write in careful.host.writes.all() if write.endswith(f"/{killable.namespace}/secrets")]
        assert len(secrets) == number + 1, "one for each identity"
        in_order = [write for write in written if "/secrets" in write or "CreateEmailIdentity" in write]
        assert all(write.endswith("/secrets") for write in in_order[:1]), "the key is there before SES hears of it"
        made = killable.api.get(f"/api/v1/namespaces/{killable.namespace}/secrets/made{number}")
        assert made is not None
        key = read_key("s1", b64decode(made["data"]["tls.key"]))
        assert isinstance(key, OwnKey)
        (value,) = record(number)
        assert key.public_key in txt.unquote(value)
        seen.update(in_order[-1:])
        killable.delete(f"mail{number}")
        killable.gone(f"mail{number}")
    assert len(seen) == 2


@pytest.mark.parametrize(
    "spec", [{}, {"verificationTemplateRef": {"name": "welcome"}}], ids=["as SES writes it", "of a template"]
)
def test_an_email_to_an_address_is_sent_twice_at_the_most(
    killable: Tenant, careful: World, spec: dict[str, Any]
) -> None:
    killable.environment.sandbox.ask("account", {"region": OSAKA, "productionAccess": True})
    killable.create_ready(OSAKA)
    manifest = template(killable, regions=[OSAKA])
    killable.api.create(f"{GROUP}/namespaces/{killable.namespace}/sesverificationtemplates", manifest)

    def address(number: int) -> str:
        return f"mail{number}@{killable.domain}"

    def create(number: int) -> None:
        killable.create(OSAKA, name=f"mail{number}", domain=None, email=address(number), **spec)

    counts = list[int]()
    for number, _ in deaths(
        careful, create, lambda number: killable.not_ready(Reason.WAITING_FOR_CLICK, f"mail{number}")
    ):
        killable.reconciled(f"mail{number}")
        counts.append(len(killable.emails(address(number))))
        killable.follow_links(address(number))
        killable.ready(f"mail{number}")
        killable.delete(f"mail{number}")
        killable.gone(f"mail{number}")
        assert killable.at_ses(address(number)) == {}
    assert set(counts) <= {1, 2}
    assert counts.count(2) <= 1, "killed right after it was sent"


def test_a_change_is_told_at_least_once_and_at_most_once_more(killable: Tenant, careful: World) -> None:
    mailroom = Mailroom(killable)
    mailroom.open(maxPerHour=1000)

    def notified(number: int) -> None:
        killable.wait(lambda: mailroom.notified(f"mail{number}") == "Stuck", "it to be told")

    counts = list[int]()
    for number, written in deaths(careful, lambda number: mailroom.add(f"mail{number}"), notified):
        counts.append(len(mailroom.mail("is stuck", f"mail{number}.{killable.domain}")))
        sent = [index for index, write in enumerate(written) if write.startswith("SendEmail")]
        assert all("/sesaccounts/" in written[index - 1] for index in sent), "it is counted before it is sent"
        killable.delete(f"mail{number}")
        killable.gone(f"mail{number}")
    assert set(counts) == {1, 2}
    assert counts.count(2) == 1, "killed right after it was sent"


def test_replicas_go_before_their_parent_and_its_records_last(killable: Tenant, careful: World) -> None:
    dkim = {"mode": "Deterministic", "deterministic": {"parentRegion": IRELAND}}

    def create(number: int) -> None:
        killable.create(IRELAND, VIRGINIA, SYDNEY, name=f"mail{number}", dkim=dkim)
        killable.ready(f"mail{number}")

    def delete(number: int) -> None:
        killable.delete(f"mail{number}")

    def gone(number: int) -> None:
        def is_gone() -> bool:
            regions, records = killable.at_ses().keys(), killable.records()
            assert not regions or records, "SES still needs them"
            assert regions <= {IRELAND} or IRELAND in regions, "a replica needs its parent"
            return killable.identity(f"mail{number}") is None

        killable.wait(is_gone, f"mail{number} to go")

    for _, _ in deaths(careful, delete, gone, create):
        assert (killable.at_ses(), killable.records()) == ({}, {})


def test_what_is_retained_stays_without_our_marks(killable: Tenant, careful: World) -> None:
    def domain(number: int) -> str:
        return f"mail{number}.{killable.domain}"

    def create(number: int) -> None:
        killable.create(
            IRELAND,
            VIRGINIA,
            name=f"mail{number}",
            domain=domain(number),
            deletionPolicy="Retain",
            tags={"team": "a"},
            mailFrom={"subdomain": "bounce"},
        )
        killable.ready(f"mail{number}")

    def delete(number: int) -> None:
        killable.delete(f"mail{number}")

    def gone(number: int) -> None:
        killable.gone(f"mail{number}")

    for number, _ in deaths(careful, delete, gone, create):
        at_ses = killable.at_ses(domain(number))
        assert at_ses.keys() == {IRELAND, VIRGINIA}
        assert all(tags(found) == {"team": "a"} for found in at_ses.values())
        records = [name for name, _ in killable.records() if name.endswith(domain(number))]
        assert len(records) == 2 * (3 + 2), "all but the ledger"
