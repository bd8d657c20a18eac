"""The figures of the structure count what their definitions say."""

from __future__ import annotations

import pytest

from figures import structure, tree
from figures.cli import FIGURES, measured, table
from figures.generated import PARTS, edited_by_hand, is_generated
from figures.imports import Modules, imports
from figures.prose import prose_comparisons
from figures.tree import Change, Stations, Subject, Tree

CONTROLLERS = "operator/ses_operator/controllers"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("repair.setting == setting", id="a sentence is compared with another"),
        pytest.param("found != self.said.message", id="the sentence is on the right"),
        pytest.param("ready.message == handed_over(heir).message", id="both are sentences"),
        pytest.param("each.message.lower() == 'x'", id="it is compared in lower case"),
        pytest.param("setting.words(value) == said", id="words are made and compared"),
        pytest.param("repair.done not in known", id="it is looked for in a set"),
        pytest.param("'waits' in problem.message", id="a word is looked for in it"),
        pytest.param("str(step) not in pauses", id="the sentence of a step is a key"),
        pytest.param("problem.message.removeprefix(f'{region}: ')", id="it is cut"),
        pytest.param("text.startswith(problem.message)", id="another text is compared with it"),
        pytest.param("re.search('x', problem.message)", id="it is searched"),
    ],
)
def test_a_comparison_of_prose_is_found(source: str) -> None:
    found = prose_comparisons(f"\nif {source}: pass\n")
    assert [finding.line for finding in found] == [2]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("problem.reason == other.reason", id="codes are compared"),
        pytest.param("entry.message == ''", id="whether there is a message is asked"),
        pytest.param("reply.message is None", id="whether there is an answer is asked"),
        pytest.param("before == after", id="values are compared as a whole"),
        pytest.param("' | '.join(problem.message for problem in blocking)", id="messages are joined"),
        pytest.param("replace(problem, message=f'{problem.message}; {said}')", id="a message is made of another"),
        pytest.param("str(desired.owner) == owner", id="the text of what is no step is compared"),
        pytest.param("[each for each in reply.message.answer]", id="a member of an answer is gone through"),
    ],
)
def test_what_does_not_compare_prose_is_not_found(source: str) -> None:
    assert prose_comparisons(source) == []


def test_messages_of_aws_may_be_read() -> None:
    source = "'x' in answer.message"
    found = structure.prose(
        subject({"operator/ses_operator/aws/a.py": source, "operator/ses_operator/core/a.py": source})
    )
    assert found.details == ("operator/ses_operator/core/a.py:1: 'x' in answer.message",)


@pytest.mark.parametrize(
    "statement",
    [
        "import ses_operator.controllers.identity.controller",
        "from ses_operator.controllers.identity import controller",
        "from ses_operator.controllers.identity.controller import IdentityController",
        "from ses_operator.controllers.identity import IdentityController",
        "def test() -> None:\n    from ses_operator.controllers.identity import IdentityController as Other",
    ],
)
def test_a_module_is_imported_in_any_form(statement: str) -> None:
    files = {
        "operator/ses_operator/__init__.py": "",
        f"{CONTROLLERS}/__init__.py": "",
        f"{CONTROLLERS}/identity/__init__.py": "from .controller import IdentityController",
        f"{CONTROLLERS}/identity/controller.py": "from ..shared import tally\nclass IdentityController: ...",
        f"{CONTROLLERS}/shared/__init__.py": "",
        f"{CONTROLLERS}/shared/tally.py": "",
        f"{CONTROLLERS}/shared/brake.py": "",
        "tests/controllers/test_identity.py": statement,
    }
    assert structure.controllers_not_imported(subject(files)).details == ("shared.brake", "shared.tally")
    assert structure.controllers_not_reached(subject(files)).details == ("shared.brake",)


def test_two_packages_that_re_export_from_one_another_are_gone_through_once() -> None:
    files = {
        "operator/ses_operator/a/__init__.py": "from ..b import X",
        "operator/ses_operator/b/__init__.py": "from ..a import X",
    }
    assert Modules.of(Tree(files)).named(imports("from ses_operator.a import X")) == set()


def test_generated_files_and_generated_parts_are_not_edited_by_hand() -> None:
    before = {
        "docs/audit.md": "head\n<!-- findings.py -->\nold<!-- end of findings -->\n",
        "docs/permissions.md": "text\n| `ses:A` | old |\n",
        "crds/a.yaml": "old",
        "docs/features.md": "old",
    }
    after = {
        "docs/audit.md": "head\n<!-- findings.py -->\nnew<!-- end of findings -->\n",
        "docs/permissions.md": "text\n| `ses:A` | new |\n| `ses:B` | new |\n| `route53:B` | * | new |\n",
        "crds/a.yaml": "new",
        "docs/features.md": "new",
    }
    found = edited_by_hand(Change("A..B", Tree(before), Tree(after), tuple(before)))
    assert found == ("docs/permissions.md", "docs/features.md")
    after["docs/permissions.md"] = "text\n| `ses:A` | new |\n| `ses:B` | new |\n"
    found = edited_by_hand(Change("A..B", Tree(before), Tree(after), tuple(before)))
    assert found == ("docs/features.md",), "rows of SES's actions are written by make docs"


def test_what_says_at_its_head_that_it_is_generated_is_known_as_generated() -> None:
    files = tree.working_tree().files
    heads = {path: text.partition("\n")[0] for path, text in files.items() if not path.endswith((".py", "Makefile"))}
    generated = {
        path for path, head in heads.items() if "Written by `make" in head or head.startswith("# Generated from")
    }
    assert generated
    assert {path for path in generated if not is_generated(path)} == set()


@pytest.mark.parametrize("path", PARTS)
def test_a_file_with_a_generated_part_has_that_part(path: str) -> None:
    text = tree.working_tree().files[path]
    assert PARTS[path](text) != text


def test_a_class_name_counts_once_however_many_modules_define_it() -> None:
    one, two = "class Rule: ...\nclass _Own: ...", "class Rule: ...\nclass _Own: ...\nclass Other: ..."
    found = structure.classes_defined_twice(
        subject({"operator/s/a.py": one, "operator/s/b.py": two, "operator/s/c.py": one})
    )
    assert found.text == "1"
    assert found.details == ("Rule: s.a, s.b, s.c",)


def test_the_fullest_folder_is_named() -> None:
    files = dict.fromkeys(
        ("operator/s/core/a.py", "operator/s/core/__init__.py", "operator/s/kube/a.py", "operator/s/kube/b.py"), ""
    )
    assert structure.largest_of_operator(subject(files)).text == "2 (kube/)"


def test_stations_are_modules_outside_of_the_pure_layers() -> None:
    path = ("ses_operator.kube.store", "ses_operator.core.plan", "ses_operator.kube.store", "ses_operator.app")
    found = structure.stations_path(Subject("now", Tree({}), stations=Stations(path, ())))
    assert found.details == ("ses_operator.app", "ses_operator.kube.store")


def test_a_tree_with_nothing_in_it_has_a_table_too() -> None:
    assert len(list(table({"now": measured(subject({}))}))) == len(FIGURES) + 2


def subject(files: dict[str, str]) -> Subject:
    """A column about these files."""
    return Subject("now", Tree(files))
