"""Every command that the documentation shows has subcommands and options that exist, as the programs themselves tell."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session
import click
import pytest
from botocore import xform_name

from devcluster import binaries
from docs.pages import PAGES, Block, blocks, script
from docs.writing import ROOT
from ses_operator.cli.main import main
from ses_sandbox.main import main as sandbox

SHELL = frozenset({"export"})
NOT_ASKED = frozenset({"curl", "dig", "docker", "git", "jq", "kubeconform", "openssl", "pytest", "python", "terraform"})
"""Programs of others that are not here, or whose options are ours elsewhere."""
GROUPS = frozenset({"auth", "config", "create", "rollout", "set"})
"""Commands of kubectl that have commands of their own."""
AWS_ITSELF = frozenset({"query", "output", "region", "from", "to", "subject", "text"})
"""Options of the AWS CLI that no operation has."""

SEPARATORS = frozenset(";|&()\n")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Call:
    """A program that is started, with what follows on the command line."""

    where: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return Path(self.words[0]).name

    @property
    def subcommand(self) -> tuple[str, ...]:
        """The words up to the first option."""
        ends = (number for number, word in enumerate(self.words) if word.startswith("-"))
        return self.words[1 : next(ends, len(self.words))]

    @property
    def options(self) -> set[str]:
        """Options, without their values; what stands behind `--` is for another program."""
        words = self.words[: self.words.index("--")] if "--" in self.words else self.words
        return {found[0] for word in words if (found := _OPTION.match(word))}


def calls(block: Block) -> Iterator[Call]:
    lexer = shlex.shlex(script(block), posix=True, punctuation_chars="".join(SEPARATORS) + "<>")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    words: list[str] = []
    is_comment = False
    for word in [*lexer, "\n"]:
        is_comment = "\n" not in word and (is_comment or word.startswith("#"))
        if word and set(word) <= SEPARATORS:
            if words:
                yield Call(block.where, tuple(words))
            words = []
        elif not is_comment and (words or not _ASSIGNMENT.fullmatch(word)):
            words.append(word)


CALLS = [call for page in PAGES for block in blocks(page, "console", "sh", "bash") for call in calls(block)]


@cache
def said_by(*command: str) -> str:
    """What a program says of itself."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def options_in(text: str) -> set[str]:
    """The options that a help text explains."""
    return set(re.findall(r"(?<![\w-])--?[A-Za-z][A-Za-z0-9-]*", text))


def of_kubectl(call: Call) -> set[str]:
    program, words = str(binaries.control_plane()[binaries.Part.KUBECTL]), call.subcommand
    general = options_in(said_by(program, "options"))
    return call.options - options_in(said_by(program, *words[: 1 + (words[0] in GROUPS)], "--help")) - general


def of_helm(call: Call) -> set[str]:
    return call.options - options_in(said_by(str(binaries.helm()), call.subcommand[0], "--help"))


def of_click(command: click.Command, call: Call) -> set[str]:
    context, words = click.Context(command), list(call.subcommand)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        if found is None:
            return {words[0]}
        command, words = found, words[1:]
    return call.options - {flag for option in command.get_params(context) for flag in option.opts}


def of_aws(call: Call) -> set[str]:
    session, (service, operation, *rest) = botocore.session.get_session(), call.subcommand
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation == "wait":
        waiters = session.get_waiter_model(service)
        named = {xform_name(name, "-"): name for name in waiters.waiter_names}
        operation = xform_name(waiters.get_waiter(named[rest[0]]).operation, "-")
    if operation not in names:
        return {operation}
    shape = model.operation_model(names[operation]).input_shape
    members = set() if shape is None else {xform_name(name, "-") for name in shape.members}
    booleans = {f"no-{name}" for name in members}
    return {option.removeprefix("--") for option in call.options} - members - booleans - AWS_ITSELF


def of_make(call: Call) -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {word for word in call.words[1:] if "=" not in word} - set(
        re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    )


def of_ci_gate(call: Call) -> set[str]:
    return call.options


ASKED: Mapping[str, Callable[[Call], set[str]]] = {
    "aws": of_aws,
    "ci-gate.sh": of_ci_gate,
    "helm": of_helm,
    "kubectl": of_kubectl,
    "make": of_make,
    "ses-operator": lambda call: of_click(main, call),
    "ses-sandbox": lambda call: of_click(sandbox, call),
}


def test_commands_are_found_in_the_documentation() -> None:
    assert set(ASKED) <= {call.program for call in CALLS}


def test_every_command_has_subcommands_and_options_that_exist() -> None:
    asked = [call for call in CALLS if call.program not in SHELL | NOT_ASKED]
    assert [(call.where, call.program, names) for call in asked if (names := ASKED[call.program](call))] == []


@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        ("kubectl get sesid -n team-a --wide", {"--wide"}),
        ("helm upgrade ses charts/ses-operator --reuse", {"--reuse"}),
        ("ses-operator hand-over --to x", {"hand-over"}),
        ("ses-operator handover --for x", {"--for"}),
        ("aws sesv2 get-identity", {"get-identity"}),
        ("aws sesv2 get-email-identity --identity x", {"identity"}),
        ("make everything", {"everything"}),
    ],
)
def test_what_does_not_exist_is_found(command: str, unknown: set[str]) -> None:
    (call,) = calls(Block(ROOT / "README.md", 1, "sh", command))
    assert ASKED[call.program](call) == unknown
