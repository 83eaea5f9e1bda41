import ast
from pathlib import Path

import pytest

import mserve

PACKAGE = Path(mserve.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_the_list_is_in_order_and_names_nothing_twice() -> None:
    assert mserve.__all__ == sorted(set(mserve.__all__))


@pytest.mark.parametrize("name", mserve.__all__)
def test_every_public_name_is_ours_and_can_be_had(name: str) -> None:
    assert getattr(mserve, name).__module__.startswith("mserve.")


def test_nothing_else_of_ours_is_public() -> None:
    for name in mserve.__all__:
        getattr(mserve, name)
    ours = {
        name
        for name, value in vars(mserve).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("mserve")
    }
    assert ours == set(mserve.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mserve' has no attribute 'serve'"):
        mserve.serve  # type: ignore[attr-defined]  # noqa: B018  # type checkers see it, too


def test_an_empty_prompt_offers_the_public_names() -> None:
    assert set(mserve.__all__) <= set(dir(mserve))


def test_type_checkers_see_each_name_where_it_is_loaded_from() -> None:
    tree = ast.parse(Path(mserve.__file__).read_text())
    shown = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]
    imports = [node for node in shown if isinstance(node, ast.ImportFrom)]
    assert {node.module: tuple(alias.name for alias in node.names) for node in imports} == mserve._MODULES
    assert sorted(name for names in mserve._MODULES.values() for name in names) == mserve.__all__


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_no_module_of_ours_imports_from_the_public_names(path: Path) -> None:
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert "mserve" not in {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            from_root = node.module == "mserve" if node.level == 0 else node.module is None and node.level == depth
            assert not (from_root and names & set(mserve.__all__))
