"""The house rules that a machine can check, over every module of the package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kubestats_pipeline

PACKAGE = Path(kubestats_pipeline.__file__).parent
MODULES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
SKIN = ("orchestration", "cli")
"""The folders that may know Dagster."""
SQL = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.sql"))}

LONGEST_FUNCTION = 50
LONGEST_FILE = 340
"""About 300 is the aim; two files hold one thing that is looked up in one place and is a little longer."""

DEEPEST = 4
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.FunctionDef, ast.AsyncFunctionDef)

every_module = pytest.mark.parametrize("name", MODULES)


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imports_of(tree: ast.Module) -> set[str]:
    """The names of all modules that are imported anywhere in a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def depth_of(node: ast.AST) -> int:
    """How many blocks lie within each other below a node; an `elif` is no deeper than its `if`."""
    deepest = 0
    for field, value in ast.iter_fields(node):
        children = [child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)]
        is_elif = (
            field == "orelse" and isinstance(node, ast.If) and len(children) == 1 and isinstance(children[0], ast.If)
        )
        for child in children:
            deepest = max(deepest, depth_of(child) + (isinstance(child, BLOCKS) and not is_elif))
    return deepest


def test_there_are_stages_and_modules_to_look_at():
    assert {"discover", "sync", "scan", "warehouse"} <= {Path(name).parts[0] for name in MODULES}
    assert len(MODULES) > 50


@every_module
def test_a_module_opens_with_what_lives_in_it(name: str):
    docstring = ast.get_docstring(tree_of(name))
    assert docstring
    assert re.search(r"\w.{10,}\.", docstring), "at least one sentence"


@every_module
def test_only_orchestration_and_the_command_line_know_dagster(name: str):
    knows_dagster = any(module.split(".")[0] == "dagster" for module in imports_of(tree_of(name)))
    assert Path(name).parts[0] in SKIN or not knows_dagster


def test_only_the_settings_read_the_environment():
    """`git/command.py` hands git its own, `pager.py` a pager, and `cli/main.py` tells Dagster's commands their home."""
    readers = {name for name in MODULES if re.search(r"\bos\.(environ|getenv)\b", MODULES[name].read_text())}
    assert readers == {"settings.py", "git/command.py", "cli/main.py", "cli/answers/pager.py"}


def test_no_module_is_a_drawer_for_everything():
    assert not [name for name in MODULES if Path(name).stem in ("utils", "util", "helpers", "common", "misc")]


@pytest.mark.parametrize("name", [name for name in MODULES if name.endswith("__init__.py")])
def test_packages_hold_no_code(name: str):
    """A package may pass a name on to those who import it from its earlier place."""
    docstring, *passed_on = tree_of(name).body
    assert isinstance(docstring, ast.Expr)
    for node in passed_on:
        assert isinstance(node, ast.ImportFrom)
        assert [alias.name for alias in node.names] == [alias.asname for alias in node.names]


@every_module
def test_no_failure_is_caught_without_its_name(name: str):
    handlers = [node for node in ast.walk(tree_of(name)) if isinstance(node, ast.ExceptHandler)]
    for handler in handlers:
        assert handler.type is not None, f"line {handler.lineno}"
        caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        assert "Exception" not in caught, f"line {handler.lineno}"
        if "BaseException" in caught:
            assert isinstance(handler.body[-1], ast.Raise), f"line {handler.lineno} must raise it again"


@every_module
def test_no_failure_is_passed_over_without_a_reason(name: str):
    lines = MODULES[name].read_text(encoding="utf-8").splitlines()
    handlers = [node for node in ast.walk(tree_of(name)) if isinstance(node, ast.ExceptHandler)]
    silent = [handler.body[0].lineno for handler in handlers if isinstance(handler.body[0], ast.Pass | ast.Continue)]
    assert [line for line in silent if "# " not in lines[line - 1]] == []


@every_module
def test_functions_are_short_and_shallow(name: str):
    for function in functions_of(tree_of(name)):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{function.name} has {length} lines"
        assert depth_of(function) <= DEEPEST, f"{function.name} nests {depth_of(function)} deep"


def test_functions_are_short_on_the_whole():
    every = [function for name in MODULES for function in functions_of(tree_of(name))]
    lengths = sorted((function.end_lineno or 0) - function.lineno + 1 for function in every)
    assert lengths[len(lengths) // 2] <= 12
    assert lengths[len(lengths) * 9 // 10] <= 40


@every_module
def test_a_file_can_be_read_in_one_sitting(name: str):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@every_module
def test_only_the_command_line_prints(name: str):
    calls = [node for node in ast.walk(tree_of(name)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert name == "cli/main.py" or "print" not in {call.func.id for call in calls if isinstance(call.func, ast.Name)}


@pytest.mark.parametrize("name", [*MODULES, *SQL])
def test_nothing_is_left_for_later(name: str):
    text = (MODULES | SQL)[name].read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)


@pytest.mark.parametrize("name", SQL)
def test_an_sql_file_opens_with_what_it_gives(name: str):
    assert re.match(r"-- [A-Z].{20,}", SQL[name].read_text(encoding="utf-8"))


def test_no_module_that_dagster_reads_postpones_its_annotations():
    """Dagster looks at the annotations of its functions and fails where they are text."""
    assert not [name for name in MODULES if "from __future__ import annotations" in MODULES[name].read_text()]
