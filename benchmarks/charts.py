"""Draws the charts: `charts.py FOLDER` reads what to draw from its input. Alone here with matplotlib."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "mserve", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True}

from matplotlib import pyplot as plt  # noqa: E402  # the backend comes first
from matplotlib.ticker import NullFormatter  # noqa: E402

_COLOURS = {
    "mserve": "#1f5fbf",
    "raw uvloop socket": "#555555",
    "`m serve`": "#d9822b",
    "FastAPI": "#2b9d8f",
    "hayhooks": "#8a63c9",
    "LitServe": "#c7564a",
    "burst": "#1f5fbf",
    "tick": "#d9822b",
    "paced": "#1f5fbf",
}
_AXES = {
    "throughput": ("", "times `m serve`", True),
    "paced": ("", "ms", True),
    "memory": ("", "KiB", False),
    "length": ("tokens of a reply", "CPU, µs for a token", False),
    "streams": ("streams", "CPU, µs for a token", False),
}
_CURVES = ("length", "streams")


def draw(name: str, chart: dict[str, Any], folder: Path) -> None:
    """Draw one chart. The same numbers give the same bytes."""
    across, up, is_logarithmic = _AXES[name]
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    (_curves if name in _CURVES else _bars)(axes, chart["lines"])
    axes.set(title=chart["title"].replace("`", ""), xlabel=across, ylabel=up.replace("`", ""))
    if is_logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(bottom=10 if name == "paced" else None)
    else:
        axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=6, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _bars(axes: Any, lines: dict[str, dict[str, float]]) -> None:
    groups = list(dict.fromkeys(group for line in lines.values() for group in line))
    width = 0.8 / len(lines)
    for number, (label, line) in enumerate(lines.items()):
        places = [groups.index(group) + (number - (len(lines) - 1) / 2) * width for group in line]
        axes.bar(places, list(line.values()), width * 0.92, label=label.replace("`", ""), color=_COLOURS[label])
    axes.set_xticks(range(len(groups)), groups)


def _curves(axes: Any, lines: dict[str, dict[str, float]]) -> None:
    sizes = sorted({int(size) for line in lines.values() for size in line})
    for label, line in lines.items():
        axes.plot([int(size) for size in line], list(line.values()), marker="o", label=label, color=_COLOURS[label])
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for chart_name, what in json.load(sys.stdin).items():
        draw(chart_name, what, target)
