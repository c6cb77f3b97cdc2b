"""What the style guide says, a machine says too: sizes, names, reasons, and a README that is true."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from streams.model.rule import SOURCE_RULES, Rule

ROOT = Path(__file__).parents[2]
PRODUCT = ("streams", "connectors", "api")
#: Lines; a file fits in one head.
PRODUCT_LINES_MAX = 250
TEST_LINES_MAX = 300
#: Lines of code, the docstring not counted.
FUNCTION_LINES_MAX = 40
#: Names that say nothing about what is in a file.
EMPTY_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "managers",
    "common",
    "misc",
    "base",
    "handler",
    "handlers",
}
#: Folders whose names may be left out of the README's tree: what tools make.
GENERATED = re.compile(r"^(\.|__)")
#: Written in two pieces, or this file would find itself.
MACHINE = re.compile(
    "|".join(
        ["/work" + "/", "/root" + "/", "/home/" + r"\w", "pypi" + r"\.org", "python" + "hosted", "repo1" + r"\.maven",
         "repo" + r"\.maven", "maven" + "-central", "registry" + r"\.npmjs", "artifact" + "ory", "nexus" + r"\."]
    )
)  # fmt: skip
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover)")
REASON = re.compile(SILENCED.pattern + r"[^#]*(\s[-–]\s|\s#\s)\s*\w+")
Function = ast.FunctionDef | ast.AsyncFunctionDef
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".sql", ".json", ".lock", ".txt", ".sh", ".html", ".cfg", ""}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def committed_texts() -> Iterator[Path]:
    """Every text of the repository but what tools make."""
    tops = [path for path in ROOT.iterdir() if is_ours(path.name)]
    for path in sorted(inner for top in tops for inner in (top.rglob("*") if top.is_dir() else [top])):
        if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts:
            yield path


def is_ours(name: str) -> bool:
    """Whether a name at the root is kept in the repository rather than made by a tool."""
    return name in {".ci", ".env.example", ".dockerignore"} or not (GENERATED.match(name) or name in {"build", "dist"})


def told(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_a_file_fits_in_one_head() -> None:
    bounds = dict.fromkeys(PRODUCT, PRODUCT_LINES_MAX) | {"tests": TEST_LINES_MAX}
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for folder, bound in bounds.items()
        for path in python_files(folder)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > bound
    ]
    assert not long, "\n".join(long)


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {lines}"
        for path in python_files(*PRODUCT)
        for function in functions_of(path)
        if (lines := code_lines(function)) > FUNCTION_LINES_MAX
    ]
    assert not long, "\n".join(long)


def functions_of(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def code_lines(function: Function) -> int:
    """Lines from `def` to the end; the docstring and functions within are not counted (they count themselves)."""
    within: list[ast.stmt] = [node for node in function.body if isinstance(node, Function)]
    match function.body[0]:
        case ast.Expr(value=ast.Constant(value=str())) as docstring:
            within.append(docstring)
    return extent(function) - sum(extent(node) for node in within)


def extent(node: ast.stmt) -> int:
    """Lines of a statement, the decorators of a function too."""
    decorators = node.decorator_list if isinstance(node, Function) else []
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return (node.end_lineno or node.lineno) - first + 1


def test_a_name_says_what_is_inside() -> None:
    paths = [path for folder in (*PRODUCT, "tests") for path in (ROOT / folder).rglob("*")]
    empty = told([path for path in paths if path.stem in EMPTY_NAMES])
    assert not empty, empty


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in python_files(*PRODUCT)
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent, told(silent)


def test_a_check_is_silenced_only_with_a_reason() -> None:
    silenced = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files(*PRODUCT, "tests")
        if path != Path(__file__)
        for number, line in unreasoned(path.read_text(encoding="utf-8").splitlines())
    ]
    assert not silenced, "\n".join(silenced)


def unreasoned(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines that silence a check, with no word why: after the mark, in a comment above, or beside the mark above."""
    for number, (above, line) in enumerate(pairwise(["", *lines]), start=1):
        if not SILENCED.search(line) or REASON.search(line):
            continue
        if not (above.strip().startswith("#") or (SILENCED.search(above) and REASON.search(above))):
            yield number, line


def test_nothing_names_one_machine_or_a_package_index() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in committed_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE.search(line)
    ]
    assert not found, "\n".join(found)


# README ------------------------------------------------------------------------------


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def tree() -> set[str]:
    """Folders that the README's tree lists, as paths."""
    [block] = re.findall(r"## The tree\n\n```\n(.*?)```", readme(), re.DOTALL)
    folders, parent = set(), ""
    for line in block.splitlines():
        name = line.split()[0].rstrip("/")
        parent = parent if line.startswith(" ") else name
        folders.add(f"{parent}/{name}" if line.startswith(" ") else name)
    return folders


def test_the_tree_in_the_readme_is_the_tree() -> None:
    tops = [path for path in ROOT.iterdir() if path.is_dir() and path.name != ".ci" and is_ours(path.name)]
    inner = [path for top in tops for path in top.iterdir() if path.is_dir() and not GENERATED.match(path.name)]
    real = {str(path.relative_to(ROOT)) for path in [*tops, *inner] if any(files_in(path))}
    assert tree() - real == set(), "in the README alone"
    assert real - tree() == set(), "in the README not at all"


def files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def test_every_path_that_the_readme_names_exists() -> None:
    named = re.findall(r"`((?:streams|connectors|api|tests|docs|deploy)/[\w./-]+)`", readme())
    assert [path for path in named if not (ROOT / path).exists()] == []


# Documents ---------------------------------------------------------------------------


def test_every_rule_has_its_file_its_spec_and_its_runbook() -> None:
    # No predicates over facts: sources are judged in streams/sources, and what could not be checked in streams/cases.
    without_predicate = SOURCE_RULES | {Rule.VERIFICATION_FAILED}
    wanted = [f"streams/rules/{rule}.py" for rule in Rule if rule not in without_predicate]
    wanted += [path for rule in Rule for path in (f"tests/spec/test_{rule}.py", f"docs/runbooks/{rule}.md")]
    missing = [path for path in wanted if not (ROOT / path).is_file()]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("heading", ["What it means", "Check by hand", "What to do"])
def test_a_runbook_says_what_it_means_how_to_check_and_what_to_do(heading: str) -> None:
    books = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
    assert books
    assert [book.name for book in books if f"## {heading}\n" not in book.read_text(encoding="utf-8")] == []
