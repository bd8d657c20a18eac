"""Where an account's credentials come from, and which come first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from sandbox.operator_aws_world import ACCESS_KEY, REGION, AwsWorld, aws_world
from ses_operator.api.account.credentials import InstanceMetadata
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.config import AccountConfig, Role, StaticCredentials, WebIdentityAccess
from ses_operator.core.model.problems import Blocked
from ses_sandbox.calls import CallFilter
from ses_sandbox.faults import Fault, FaultKind

FIRST, LAST = "arn:aws:iam::210987654321:role/first", "arn:aws:iam::333344445555:role/last"
CREDENTIALS = "[default]\n{default}\n[production]\naws_access_key_id = {key}\naws_secret_access_key = secret\n"


class Pod:
    """The environment and the files of the operator's pod."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._file = folder / "credentials"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(self._file))

    def write_profile(self, key: str, default: str = "") -> None:
        self._file.write_text(CREDENTIALS.format(key=key, default=default), encoding="utf-8")

    def export(self, key: str) -> None:
        self._monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        self._monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def reach_metadata(self, url: str) -> None:
        self._monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pod:
    return Pod(monkeypatch, tmp_path)


class Metadata(BaseHTTPRequestHandler):
    """The instance metadata service, version 2. Source: EC2 User Guide, "Retrieve security credentials"."""

    asked: ClassVar[list[str]] = []
    role: ClassVar[bytes] = json.dumps(
        {
            "Code": "Success",
            "AccessKeyId": "AKIANODE",
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": "2099-01-01T00:00:00Z",
        }
    ).encode()

    def do_PUT(self) -> None:
        self._answer(b"session")

    def do_GET(self) -> None:
        self._answer(b"node" if self.path.endswith("security-credentials/") else self.role)

    def _answer(self, body: bytes) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        del format, args


@pytest.fixture
def node(pod: Pod) -> Iterator[list[str]]:
    """A node with an instance profile; the paths that were asked for."""
    with _serving() as url:
        pod.reach_metadata(url)
        yield Metadata.asked


@contextmanager
def _serving() -> Iterator[str]:
    Metadata.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def without_keys(**changes: object) -> Callable[[AccountConfig], AccountConfig]:
    return lambda config: replace(config, **{"credentials": None, **changes})  # type: ignore[arg-type]


def keys_of(world: AwsWorld, operation: str = "ListEmailIdentities") -> list[str]:
    return [call.access_key for call in world.sandbox.calls.calls(CallFilter(operation=operation), 100)]


async def used(change: Callable[[AccountConfig], AccountConfig]) -> str:
    """The access key that an account of this configuration works with."""
    async with aws_world(change=change) as world:
        await (await world.account()).region(REGION).list_page()
        (key,) = keys_of(world)
        return key


async def test_keys_of_a_secret_come_before_a_profile_and_a_profile_before_a_token_and_the_environment(
    pod: Pod,
) -> None:
    pod.write_profile("AKIAPROFILE")
    pod.export("AKIAENVIRONMENT")
    token = WebIdentityAccess("ses", "sts.amazonaws.com", Role(FIRST))
    static = StaticCredentials("AKIASECRET", "secret")

    assert await used(without_keys(credentials=static, profile="production", web_identity=token)) == "AKIASECRET"
    assert await used(without_keys(profile="production", web_identity=token)) == "AKIAPROFILE"
    assert await used(without_keys()) == "AKIAENVIRONMENT"


@pytest.mark.parametrize(
    ("metadata", "key"),
    [(InstanceMetadata.LAST, "AKIAENVIRONMENT"), (InstanceMetadata.FIRST, "AKIANODE")],
)
async def test_the_role_of_the_node_comes_when_it_is_to_come(
    pod: Pod, node: list[str], metadata: InstanceMetadata, key: str
) -> None:
    pod.export("AKIAENVIRONMENT")
    assert await used(without_keys(instance_metadata=metadata)) == key
    assert (node != []) == (metadata is InstanceMetadata.FIRST)


async def test_the_role_of_the_node_is_taken_where_there_is_nothing_else(pod: Pod, node: list[str]) -> None:
    del pod, node
    assert await used(without_keys()) == "AKIANODE"


async def test_metadata_that_are_switched_off_are_never_asked(pod: Pod, node: list[str]) -> None:
    del pod
    async with aws_world(change=without_keys(instance_metadata=InstanceMetadata.DISABLED)) as world:
        with pytest.raises(Blocked) as caught:
            await world.account()
    assert caught.value.problem.reason is Reason.CREDENTIALS_MISSING
    assert node == []


async def test_a_profile_that_does_not_exist_is_named(pod: Pod) -> None:
    pod.write_profile("AKIAPROFILE")
    async with aws_world(change=without_keys(profile="staging")) as world:
        with pytest.raises(Blocked) as caught:
            await world.account()
    assert caught.value.problem.reason is Reason.CREDENTIALS_MISSING
    assert "(staging) could not be found" in str(caught.value)
    assert "spec.credentials.profile" in str(caught.value)


async def test_a_profile_whose_keys_were_replaced_is_read_anew_when_the_old_ones_are_rejected(pod: Pod) -> None:
    pod.write_profile("AKIAOLD")
    async with aws_world(change=without_keys(profile="production")) as world:
        before = await world.account()
        pod.write_profile("AKIANEW")
        for operation in ("ListEmailIdentities", "GetCallerIdentity"):
            rejected = Fault(FaultKind.ERROR, operation=operation, status=403, code="InvalidClientTokenId", times=1)
            world.sandbox.faults.add(rejected)
        with pytest.raises(Blocked):
            await before.region(REGION).list_page()

        await (await world.account()).region(REGION).list_page()

        assert keys_of(world) == ["AKIAOLD", "AKIANEW"]
        assert keys_of(world, "GetCallerIdentity") == ["AKIAOLD", "AKIAOLD", "AKIANEW"]


async def test_roles_on_the_way_are_assumed_one_as_the_other() -> None:
    roles = (Role(FIRST, session_name="one"), Role(LAST, external_id="shared", session_name="two"))
    async with aws_world(change=lambda config: replace(config, roles=roles)) as world:
        account = await world.account()
        await account.region(REGION).list_page()
        assumed = world.sandbox.calls.calls(CallFilter(operation="AssumeRole"), 100)
        oldest, newest = assumed
        (key,) = keys_of(world)
        assert account.account_id == "333344445555"
        assert oldest.access_key == ACCESS_KEY
        assert newest.access_key not in (ACCESS_KEY, key)
        assert len(assumed) == 2
