"""What Linux tells of processes: their time and their memory; and of this machine."""

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """Give a process and all that descend from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(_fields(path)[1])
        except OSError:
            continue  # it ended meanwhile
    found = [root]
    for pid in found:  # grows meanwhile
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_of_each(pids: Iterable[int]) -> dict[int, float]:
    """Give the time of each process that is still there."""
    found = {}
    for pid in pids:
        with suppress(OSError):
            found[pid] = cpu_seconds([pid])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Give the time that processes have used, all their threads and the children that they waited for included."""
    seconds = 0.0
    for pid in pids:
        fields = _fields(Path(f"/proc/{pid}/stat"))
        seconds += sum(map(int, fields[11:15])) / _TICKS
    return seconds


def command_line(pid: int) -> str:
    """Give how a process was called, or what it calls itself; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _fields(path: Path) -> list[str]:
    """Give what stands behind the process's name: the state comes first."""
    return path.read_text().rpartition(")")[2].split()


def memory(pids: Iterable[int]) -> int:
    """Give the bytes that processes hold; what they share is divided among them."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


def cores() -> tuple[int, int]:
    """Give the server's core and the client's: the same one, where there is one alone."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextmanager
def on_cores(these: set[int]) -> Iterator[None]:
    """Let processes that are started meanwhile run on some cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, these)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe() -> dict[str, str]:
    """Tell what machine this is."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "CPU": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "Python": platform.python_version(),
    }
