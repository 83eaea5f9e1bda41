"""Finds a program in a file, a module or a callable. Every way that this fails is told as the author's next step."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

from mserve.errors import LoadError
from mserve.own import is_own, own_frames
from mserve.program import Lifespan

_SHOWN = 200
"""Characters of a line that is shown."""

Source = str | Path | Callable[..., Any]


class Found(Struct, frozen=True):
    """A program's parts, as its author wrote them."""

    name: str
    serve: Callable[..., Any]
    lifespan: Lifespan | None
    place: str
    module: ModuleType | None


def find(source: Source) -> Found:
    """Find the program that a file (`path.py`, `path.py:name`), a `module:name` or a callable is; else `LoadError`."""
    if not isinstance(source, str | Path):
        return _from_callable(source)
    path, _, attribute = _split(str(source))
    module = _from_file(path) if isinstance(path, Path) else _from_module(path)
    name = module.__name__.rpartition(".")[2] if isinstance(path, str) else path.stem
    place = str(source)
    serve = _attribute(module, attribute or "serve", place)
    name = attribute if attribute not in ("", "serve") else name
    return Found(name, serve, lifespan_of(module, place), place, module)


def lifespan_of(module: object, place: str) -> Lifespan | None:
    """Give the module's `lifespan`, None where it has none; `LoadError` for one that cannot be called."""
    lifespan: Lifespan | None = getattr(module, "lifespan", None)
    if lifespan is not None and not callable(lifespan):
        raise LoadError(f"{place}: lifespan is {_kind(lifespan)}, not an async context manager function")
    return lifespan


def line_of(serve: Callable[..., Any], place: str) -> str:
    """Name the file and line of a function; the place that its author named, where it is no plain function."""
    code = getattr(inspect.unwrap(serve), "__code__", None)
    return f"{code.co_filename}, line {code.co_firstlineno}" if code is not None else place


def folder_of(source: str) -> Path | None:
    """Give the folder that a program's own imports begin in; None where there is no such file."""
    path, _, _ = _split(source)
    if isinstance(path, str):
        return Path.cwd()
    return path.resolve().parent if path.is_file() else None


def _split(source: str) -> tuple[Path | str, str, str]:
    """Tell a file from a module, and either from the name behind its colon."""
    head, colon, attribute = source.rpartition(":")
    if not colon or "/" in attribute or "\\" in attribute or attribute.endswith(".py"):
        head, colon, attribute = source, "", ""
    if head.endswith(".py") or "/" in head or "\\" in head or not colon:
        return Path(head), colon, attribute
    return head, colon, attribute


def _from_callable(serve: Callable[..., Any]) -> Found:
    if not callable(serve):
        raise LoadError(f"a program is a file, a module:name or a callable, not {_kind(serve)}")
    named = serve
    while isinstance(named, partial):
        named = named.func
    module = sys.modules.get(getattr(named, "__module__", None) or "")
    name = getattr(named, "__name__", type(named).__name__)
    place = f"{getattr(named, '__module__', '?')}:{name}"
    if name in ("serve", "<lambda>") and module is not None:
        name = Path(getattr(module, "__file__", None) or module.__name__).stem
    _refuse_class(serve, place)
    return Found(name, serve, lifespan_of(module, place), place, module)


def _from_module(name: str) -> ModuleType:
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    with _told_as_load_errors(name):
        return importlib.import_module(name)


def _from_file(path: Path) -> ModuleType:
    if not path.exists():
        raise LoadError(f"{path}: there is no such file. Name a Python file, or a module as module:name")
    if path.is_dir() or path.suffix != ".py":
        raise LoadError(f"{path}: is {'a folder' if path.is_dir() else 'not a Python file'}; name the .py file")
    path = path.resolve()
    # The author's `import helper` means the file beside this one, as when Python runs the file itself.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    # A name of its own: `json.py` must not replace json, nor one program.py another.
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"  # noqa: PT018, S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up while it is being imported
    try:
        with _told_as_load_errors(str(path)):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextmanager
def _told_as_load_errors(place: str) -> Iterator[None]:
    """Turn whatever an import raises into one sentence with the line of the author's code that did it."""
    try:
        yield
    except LoadError:
        raise
    except SyntaxError as error:
        own = error.filename and error.lineno and is_own(error.filename)
        where = f"{error.filename}, line {error.lineno}" if own else _where(error, place)
        line = f": {error.text.strip()[:_SHOWN]}" if own and error.text else ""
        raise LoadError(f"{where}: syntax error: {error.msg}{line}") from error
    except SystemExit as error:
        why = "it ends the process when imported; put what runs as a script under if __name__ == '__main__':"
        raise LoadError(f"{_where(error, place)}: {why}") from error
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{place}.".startswith(f"{missing}."):
            raise LoadError(f"{place}: there is no module {missing!r} in this folder or environment") from error
        text = "".join(traceback.format_exception_only(error)).strip()
        if missing:
            text = f"{missing!r} is not installed here; try: pip install {missing.partition('.')[0]}"
        raise LoadError(f"{_where(error, place)}: {text}") from error


def _where(error: BaseException, place: str) -> str:
    """Name the last line of the author's own code that the error came through: not the library's that it called."""
    frames = own_frames(error)
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else place


def _attribute(module: ModuleType, name: str, place: str) -> Callable[..., Any]:
    try:
        serve = getattr(module, name)
    except AttributeError:
        made = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        has = [key for key in made if callable(getattr(module, key)) and not key.startswith("_")]
        functions = f"; it has {', '.join(has[:5])}" if has else ""
        raise LoadError(f"{place}: there is no {name}() in it{functions}. Name another as file.py:name") from None
    if not callable(serve):
        raise LoadError(f"{place}: {name} is {_kind(serve)}, not something to call")
    _refuse_class(serve, place)
    return serve  # type: ignore[no-any-return]  # a module's attributes have no types


def _refuse_class(serve: Callable[..., Any], place: str) -> None:
    if isinstance(serve, type):
        raise LoadError(f"{place}: {serve.__name__} is a class; serve an instance of it")


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
