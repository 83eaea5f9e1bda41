import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mserve.cli.examples import example

LIMIT = 60
DEMO = [sys.executable, "-m", "mserve", "demo"]
LONG = "Tell me a very long story about a dragon."


@contextmanager
def demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*DEMO, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=0
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    assert process.stdout is not None
    seen = ""
    while not re.search(pattern, seen):
        piece = os.read(process.stdout.fileno(), 4096).decode(errors="replace")
        assert piece, f"it ended before {pattern!r}: {seen}"
        seen += piece
    return seen


def test_the_example_that_it_shows_is_there() -> None:
    assert example("streaming").is_file()


def test_once_streams_an_answer_and_ends() -> None:
    done = subprocess.run(
        [*DEMO, "Say hello.", "--once", "--port", "0"], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0
    _, question, answer, speed = (part.strip() for part in done.stdout.strip().split("\n\n", 3))
    assert question == "Say hello."
    assert answer
    assert re.search(r"first token after \d+ ms, then \d+ tokens/s; \d+ tokens in all$", speed, re.MULTILINE)


def test_the_snippets_work_as_pasted_until_it_is_interrupted() -> None:
    with demo("Say hello.") as process:
        output = read_until(process, r"flush=True\)\n\n$")
        assert "\x1b" not in output
        shell, _, python = output.partition("From a shell:\n")[2].partition("From Python:\n")
        streamed = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=LIMIT, check=True)
        assert streamed.stdout.endswith("data: [DONE]\n\n")
        assert '"content":"' in streamed.stdout
        printed = subprocess.run(
            [sys.executable, "-c", python], capture_output=True, text=True, timeout=LIMIT, check=True
        )
        assert printed.stdout.strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT) == 0


def test_an_interrupt_ends_it_in_the_middle_of_the_answer() -> None:
    with demo(LONG) as process:
        read_until(process, rf"{re.escape(LONG)}\n\n\S")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
        assert "tokens in all" not in rest
        assert "Traceback" not in rest


def test_a_program_that_fails_is_told_and_ends_it() -> None:
    done = subprocess.run(
        [*DEMO, "word " * 5000, "--port", "0"], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 3
    assert "exceeds the available context size" in done.stderr  # its operator, who reads the log, learns why
    assert done.stderr.splitlines()[-1].startswith("mserve: the demo's program failed: ")


def test_missing_packages_are_named_with_the_way_to_get_them() -> None:
    code = (
        "import sys; sys.modules['openai'] = sys.modules['xllamacpp'] = None; sys.argv = ['mserve', 'demo']\n"
        "from mserve.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert done.stderr == "mserve: the demo needs openai, xllamacpp: pip install 'mserve[demo]'\n"
