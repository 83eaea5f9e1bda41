"""Ten thousand requests of every outcome: the counters and the lines agree with what clients saw, and nothing stays."""

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from faults.leftovers import TASKS, assert_nothing_is_left, held
from faults.menu import MENU, NARROW, SYNC, WIDE
from faults.mix import KEYS, WRONG_KEY, Ask, Clients, Seen
from processes import Serve, ServerProcess
from share import share

REQUESTS = 10_000
PROGRAMS = {"wide": WIDE, "sync": SYNC, "narrow": NARROW, "tasks": TASKS}
FLAGS = [
    *(flag for name in PROGRAMS for flag in ("--name", name)), *("--alias", "other-name=wide"),
    *("--log-format", "json", "--max-body", "20000", "--shutdown-timeout", "0", "--max-header-size", "8192"),
    *("--queue-timeout", "2", "--first-event-timeout", "3", "--event-timeout", "3", "--body-timeout", "1"),
]  # fmt: skip
CODES = {
    "headers_too_large", "invalid_http", "request_timeout",
    "cancelled", "invalid_api_key", "invalid_json", "invalid_output", "method_not_allowed", "model_not_found",
    "not_found", "overloaded", "program_error", "request_too_large", "timeout", "unsupported_media_type",
}  # fmt: skip
"""The errors that are counted by their own code; each other is a client's or the server's."""
HEADERS = {"x-api-key": KEYS["anna"]}
MEMORY = 2 * 1024 * 1024
MORE = {"objects": 20, "blocks": 450}
"""What Python may hold more after thousands of requests: containers, and pieces of memory of up to 512 bytes.

Not one of either for a request, even where a tenth of them is made: half of these are five hundred.
"""

Count = dict[tuple[str, ...], float]
Counts = dict[str, Count]


@pytest.mark.timeout(600)
def test_ten_thousand_requests_are_counted_as_they_were_seen_and_leave_nothing(serve: Serve) -> None:
    names = [f"{name}:{key}" for name, key in KEYS.items()]
    server = serve(*PROGRAMS.values(), flags=tuple(FLAGS), env={"MSERVE_API_KEY": " ".join(names)})
    asks = menu(share(REQUESTS))
    half = len(asks) // 2
    seen = asked(server, "first", asks[:half])
    settle(server)
    before, objects = held(server, HEADERS), objects_of(server)
    seen += asked(server, "second", asks[half:])
    settle(server)
    after = objects_of(server)
    assert_nothing_is_left(server, before, memory=MEMORY, headers=HEADERS)
    assert all(after[kind] - objects[kind] < more for kind, more in MORE.items()), (objects, after)
    counts = counted(server)
    lines = lines_of(server)
    assert len(seen) > len(asks) * 0.95
    agree_on_lines(seen, lines)
    agree_on_counts(seen, lines, counts)
    wrong = [*KEYS.values(), WRONG_KEY, "Bearer", "failed inside the server"]
    assert [text for text in wrong if text in server.output] == []


def menu(count: int) -> list[Ask]:
    """Give so many asks, each of the menu twice at least, in an order that is the same each time."""
    chosen = random.Random(1)
    weights, asks = zip(*MENU, strict=True)
    drawn = [*asks, *chosen.choices(asks, weights, k=max(0, count - 2 * len(asks))), *asks]
    chosen.shuffle(drawn)
    return drawn


def asked(server: ServerProcess, name: str, asks: list[Ask]) -> list[Seen]:
    clients = Clients(server, name)
    asyncio.run(clients.ask_all(asks))
    return clients.seen


def settle(server: ServerProcess) -> None:
    """Wait until no run is left: some go on without their clients."""
    until = time.monotonic() + 10
    while not re.search(r"mserve_runs_active 0\.0\n", metrics_of(server)):
        assert time.monotonic() < until
        time.sleep(0.1)


def metrics_of(server: ServerProcess, name: str = "") -> str:
    url = server.base_url.removesuffix("/v1") + "/metrics"
    return httpx.get(url, headers=HEADERS | ({"x-request-id": name} if name else {})).raise_for_status().text


def objects_of(server: ServerProcess) -> dict[str, int]:
    """Count what the server's Python holds: the least of some looks, since each look makes objects of its own."""
    body = {"model": "wide", "messages": [{"role": "user", "content": "objects"}]}
    looks = []
    for _ in range(10):
        reply = httpx.post(f"{server.base_url}/chat/completions", json=body, headers=HEADERS).raise_for_status()
        looks.append(json.loads(reply.json()["choices"][0]["message"]["content"]))
    return {kind: min(look[kind] for look in looks) for kind in looks[0]}


def counted(server: ServerProcess) -> Counts:
    """Give all that is counted, by metric and by the values of its labels, which are sorted by their names."""
    counts: Counts = {}
    for family in text_string_to_metric_families(metrics_of(server, "the-last")):
        for sample in family.samples:
            values = tuple(value for _, value in sorted(sample.labels.items()))
            counts.setdefault(sample.name, {})[values] = sample.value
    return counts


def lines_of(server: ServerProcess) -> dict[str, dict[str, Any]]:
    """Give the access lines of all requests before the one that counted, by their ids."""
    server.wait_for('"request_id": "the-last"')
    lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    of_requests = [line for line in lines if line["logger"] == "mserve.access"]
    of_requests = of_requests[: [line["request_id"] for line in of_requests].index("the-last")]
    by_id = {line["request_id"]: line for line in of_requests}
    assert len(by_id) == len(of_requests)
    return by_id


def agree_on_lines(seen: Iterable[Seen], lines: dict[str, dict[str, Any]]) -> None:
    """Compare each line with what its client saw."""
    for one in seen:
        line = lines[one.id]
        assert line["end"] in one.ends, (one, line)
        assert line.get("program") in one.programs, (one, line)
        assert line.get("caller") == one.caller, (one, line)
        if len(one.ends) == 1 or line["end"] != "client_left":
            assert line.get("status") == one.status, (one, line)
        if one.bytes is not None:
            assert line["bytes"] == one.bytes, (one, line)
        if one.spoke is not None:
            assert ("first_token_seconds" in line) == one.spoke, (one, line)


def agree_on_counts(seen: list[Seen], lines: dict[str, dict[str, Any]], counts: Counts) -> None:
    """Compare each counter with what clients saw.

    A client that left may not know whether its program had begun, or had even finished: then its line decides for all
    counters of requests, and of its runs the sum has to be right.
    """
    own = {one.id for one in seen}
    asking = [line for name, line in lines.items() if name not in own]  # what this test itself asked
    assert {line["end"] for line in asking} <= {"finished", "finished:stop"}
    ends = [(one, lines[one.id]) for one in seen]
    by_program = Counter((line.get("program", "other"),) for line in lines.values() if "seconds" in line)
    assert positive(counts["mserve_requests_total"]) == Counter(map(counter_of, lines.values()))
    assert positive(counts["mserve_request_duration_seconds_count"]) == by_program
    assert positive(counts["mserve_errors_total"]) == Counter(kind_of(line) for _, line in ends if is_error(line))
    firsts = Counter((line["program"],) for line in lines.values() if "first_token_seconds" in line)
    assert positive(counts["mserve_time_to_first_token_seconds_count"]) == firsts
    assert counts["mserve_runs_active"] == counts["mserve_runs_queued"] == {(): 0}
    tokens = [sum(one.tokens[kind] for one in seen) for kind in (0, 1)]
    told = positive(counts["mserve_tokens_total"])
    assert told == {("wide", "input"): tokens[0], ("wide", "output"): tokens[1]}
    agree_on_runs(ends, asking, counts["mserve_runs_total"])


def agree_on_runs(ends: list[tuple[Seen, dict[str, Any]]], asking: list[dict[str, Any]], counts: Count) -> None:
    """Compare the ends of all runs; where one may have ended in several ways, the sum of these."""
    sure: Counter[tuple[str, ...]] = Counter(("finished", line["program"]) for line in asking if "program" in line)
    open_ = 0
    for one, line in ends:
        if one.asked == 0 or "program" not in line:
            continue
        if len(one.runs) == 1:
            sure[*one.runs, line["program"]] += one.asked
        elif line["end"] == "finished:stop":
            sure["finished", line["program"]] += 1
        elif line["end"].startswith("failed"):
            sure["failed", line["program"]] += 1  # the first of several, which ends the others
            open_ += one.asked - 1
        else:
            open_ += one.asked
    left = {key: count - sure[key] for key, count in counts.items()}
    assert all(count == 0 for (_, program), count in left.items() if program != "wide"), left
    assert min(left.values()) >= 0, left
    assert sum(left.values()) == open_ > 0, left


def counter_of(line: dict[str, Any]) -> tuple[str, ...]:
    status = f"{line['status'] // 100}xx" if "status" in line else "none"
    return line["end"].partition(":")[0], line.get("program", "other"), status


def is_error(line: dict[str, Any]) -> bool:
    return str(line["end"]).startswith(("failed", "refused"))


def kind_of(line: dict[str, Any]) -> tuple[str, ...]:
    code = line["end"].partition(":")[2]
    kind = code if code in CODES else "client_error" if line["status"] < 500 else "server_error"
    return kind, line.get("program", "other")


def positive(counts: Count) -> Count:
    return {values: count for values, count in counts.items() if count > 0}
