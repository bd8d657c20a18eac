"""A whole sandbox for a test, in an AWS account of its own, with a zone that the test writes as it likes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ses_sandbox.route53 import Route53Settings
from ses_sandbox.server import SandboxServer, SandboxSettings

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import GetEmailIdentityResponseTypeDef

REGION = "eu-west-1"
OTHER_REGION = "us-east-1"
TIMEOUT = 60.0
HEADER = "@ 300 IN SOA ns1.example.net. hostmaster.example.net. 7 60 60 60 60\n@ 300 IN NS ns1.example.net.\n"
accounts = count(200_000_000_000)


@dataclass
class SesWorld:
    """What a test talks to."""

    sandbox: SandboxServer
    account: str = field(default_factory=lambda: str(next(accounts)))
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str = "sesv2", region: str = REGION) -> Any:
        """boto3 in the world's account, without retries and checks of its own, so that what the service says is seen."""
        if (service, region) not in self.clients:
            client = self.new_client(service, region)
            client.meta.events.register("before-sign", self._name_account)
            self.clients[service, region] = client
        return self.clients[service, region]

    def new_client(
        self, service: str = "sesv2", region: str = REGION, key: str = "test", token: str | None = None
    ) -> Any:
        """boto3 with credentials of one's own."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.sandbox.aws_url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="test",
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=30),
        )

    def _name_account(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self.account

    def control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Asks the control API; status and JSON."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        status, answer = fetch(f"{self.sandbox.aws_url}/_sandbox{path}", method, data)
        return status, json.loads(answer)

    def zone(self, origin: str, records: str = "") -> None:
        """Serves a zone from lines of a zone file."""
        status, answer = self.control("PUT", f"/dns/zones/{origin}", (HEADER + records).encode())
        assert status == 200, answer

    def advance(self, **duration: float) -> None:
        """Lets simulated time pass; what follows from it has happened then."""
        self.sandbox.advance(timedelta(**duration))

    def checked(self, name: str, region: str = REGION) -> GetEmailIdentityResponseTypeDef:
        """The identity after its records were looked up once more."""
        self.sandbox.check_now()
        client: SESV2Client = self.client(region=region)
        return client.get_email_identity(EmailIdentity=name)


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Opens a URL of the sandbox; status and body."""
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.netloc, timeout=TIMEOUT)) as connection:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        response = connection.getresponse()
        return response.status, response.read()


def dkim_lines(answer: Any, zone: str | None = None) -> str:
    """The CNAMEs that an answer of Create or Get asks for."""
    attributes = answer["DkimAttributes"]
    target = zone or attributes["SigningHostedZone"]
    return "".join(f"{token}._domainkey 300 IN CNAME {token}.{target}.\n" for token in attributes["Tokens"])


def verified_domain(world: SesWorld, region: str = REGION, domain: str = "example.com") -> str:
    """A verified domain; the lines of its zone."""
    lines = dkim_lines(world.client(region=region).create_email_identity(EmailIdentity=domain))
    world.zone(domain, lines)
    assert world.checked(domain, region)["VerificationStatus"] == "SUCCESS"
    return lines


def private_key(bits: int = 2048) -> tuple[str, str]:
    """A BYODKIM key: private (PKCS#1, base64) and public (for p=)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(private).decode(), base64.b64encode(public).decode()


@contextmanager
def refused(code: str, words: str = "") -> Iterator[None]:
    """The block must be refused with an AWS error code, in words."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert (error["Code"], words in error["Message"]) == (code, True), error


@contextmanager
def ses_world(**settings: Any) -> Iterator[SesWorld]:
    """A sandbox without throttling, unless the test asks for it, on a clock of normal speed that the test moves."""
    defaults: dict[str, Any] = {"rate": 0, "route53": Route53Settings(requests_per_second=0), "threads": 8}
    with SandboxServer(SandboxSettings(**{**defaults, **settings})) as sandbox:
        yield SesWorld(sandbox)
