"""Parameters of packages that are not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from mserve.programs.bind import EXTRAS

WITHOUT = """
import sys
from mserve.errors import LoadError
from mserve.programs.user import load

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
load(lambda messages, requirements, client_options, response_format: "")
try:
    load(sys.argv[1])
except LoadError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("parameter", "missing", "extra"),
    [
        ("input", "mellea", "mserve[mellea]"),
        ("model_options", "mellea", "mserve[mellea]"),
        ("format", "pydantic", "mserve[pydantic]"),
        ("format", "json_schema_to_pydantic", "mserve[pydantic]"),
    ],
)
def test_a_parameter_of_a_missing_package_names_the_extra(
    tmp_path: Path, parameter: str, missing: str, extra: str
) -> None:
    path = tmp_path / "needs.py"
    path.write_text(f"def serve({parameter}): ...\n")
    script = WITHOUT.format(packages=(missing,))
    told = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout
    wanted = f"{path}, line 1: the parameter {parameter!r} needs {missing}"
    assert told.startswith(wanted)
    assert ", which is not installed" in told
    assert told.endswith(f"; try: pip install '{extra}'\n")
    assert extra in EXTRAS.values()
