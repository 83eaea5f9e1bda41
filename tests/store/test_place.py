import os
import platform
import subprocess
import sys
from pathlib import Path

from mserve.store.place import host, is_gone, this_worker


def test_a_process_has_a_name_that_no_other_has() -> None:
    one, two = this_worker(), this_worker()
    assert len(one.name) == 32
    assert int(one.name, 16) != int(two.name, 16)
    assert (one.pid, one.host) == (os.getpid(), host())


def test_processes_of_one_machine_say_the_same_of_it() -> None:
    code = "from mserve.store.place import host; print(host())"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == f"{host()}\n"
    )


def test_a_machine_that_was_booted_anew_is_another(tmp_path: Path) -> None:
    boot, namespace = tmp_path / "sys/kernel/random/boot_id", tmp_path / "self/ns/pid"
    for file in (boot, namespace):
        file.parent.mkdir(parents=True)
        file.write_text("first\n")
    first = host(tmp_path)
    assert host(tmp_path) == first
    boot.write_text("second\n")
    assert host(tmp_path) != first
    boot.write_text("first\n")
    other = namespace.with_name("other")
    other.touch()
    other.rename(namespace)  # as processes of another container see it
    assert host(tmp_path) != first


def test_where_no_kernel_says_so_the_name_of_the_machine_is_all(tmp_path: Path) -> None:
    assert host(tmp_path) == platform.node()


def test_a_process_is_gone_once_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not is_gone(process.pid)
        process.kill()
    assert is_gone(process.pid)
    assert not is_gone(os.getpid())


def test_somebody_elses_process_is_there() -> None:
    code = """
import os
from mserve.store.place import is_gone
if os.geteuid() == 0:
    os.setuid(65534)
print(is_gone(1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
