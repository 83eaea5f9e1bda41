import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
QUIET = ("-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *QUIET, "-w", folder, ROOT], check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_the_whole_package_and_the_examples(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("mserve/")}
    files = {path for folder in ("src/mserve", "examples") for path in (ROOT / folder).rglob("*") if path.is_file()}
    written = {path for path in files if path.suffix != ".pyc"}
    source = {str(path.relative_to(ROOT / "src" if "src" in path.parts else ROOT)) for path in written}
    assert held == {name if name.startswith("mserve/") else f"mserve/{name}" for name in source}


def test_a_wheel_from_the_source_archive_holds_the_same(wheel: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    (archive,) = tmp_path.glob("*.tar.gz")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *QUIET, "-w", tmp_path, archive], check=True)
    (made,) = tmp_path.glob("*.whl")
    assert sorted(zipfile.ZipFile(made).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_an_installed_package_finds_its_examples(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = "import mserve.cli.examples as e; print(e.example('streaming'))"
    # -P and -S with the path of this environment's packages behind: the wheel's package comes first.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {packages!r}]; {script}"
    found = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert found == str(tmp_path / "mserve" / "examples" / "streaming" / "program.py")
    assert Path(found).is_file()
