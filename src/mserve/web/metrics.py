"""Numbers for Prometheus: counted per request, run or write, and never per token. Labels have few values, all known."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from mserve.events import Failure
from mserve.runs.run import CANCELLED, Run

from .families import Family
from .record import Record
from .replies import send_body, send_failure
from .spread import Spread

PATH = "/metrics"

OTHER = "other"
"""Stands for the program of a request that none was chosen for."""

Total = Callable[[], Awaitable[Iterable[Family]]]
"""Gives what all processes of a server have counted, by now; `TimeoutError` where they do not tell."""

_SILENT = Failure(503, "The server's numbers could not be added up in time: try again later.", "overloaded")

_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0)
_DURATIONS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics(Collector):
    """The numbers of one app, in a registry of its own: two apps in one process do not meet."""

    def __init__(self, programs: Collection[str], active: Callable[[], int], queued: Callable[[], int]) -> None:
        self._active, self._queued = active, queued
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        # From the start, so that the first of each is seen as a rise.
        self._runs = Counter({(name, how): 0 for name in programs for how in ("finished", "failed", "cancelled")})
        self._tokens = Counter({(name, kind): 0 for name in programs for kind in ("input", "output")})
        self._durations = {name: Spread(_DURATIONS) for name in (*programs, OTHER)}
        self._firsts = {name: Spread(_FIRST) for name in programs}
        self._gaps = {name: Spread(_GAPS) for name in programs}
        self._lags = Spread(_LAGS)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        self.total: Total | None = None

    def gaps(self, program: str) -> Spread:
        """Give what counts the times between the writes of a program's streams."""
        return self._gaps[program]

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._lags.add(seconds)

    def ended(self, record: Record) -> None:
        """Count a request."""
        program = OTHER if record.program is None else record.program
        status = "none" if record.status is None else f"{record.status // 100}xx"
        outcome = record.outcome
        self._requests[program, outcome, status] += 1
        if record.method is not None:
            self._durations[program].add(record.ended - record.started)
        if record.first is not None and record.runs:  # what is read again was said to another
            self._firsts[program].add(record.first - record.started)
        if outcome not in ("finished", "client_left") and record.kind is not None:
            self._errors[program, record.kind] += 1

    def ran(self, program: str, run: Run) -> None:
        """Count a run that has ended, be its client still there or not."""
        outcome = "finished" if run.failure is None else "cancelled" if run.failure is CANCELLED else "failed"
        self._runs[program, outcome] += 1
        if run.usage is not None:
            self._tokens[program, "input"] += run.usage.input_tokens
            self._tokens[program, "output"] += run.usage.output_tokens

    async def page(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer Prometheus, in the format that it asks for."""
        encode, kind = choose_encoder(Headers(scope=scope).get("accept", ""))
        try:
            told = self._registry if self.total is None else _Told(await self.total())
        except TimeoutError:
            await send_failure(send, _SILENT)
        else:
            await send_body(send, encode(told), kind.encode())

    def families(self) -> tuple[Family, ...]:
        """Give all numbers as values that can be sent."""
        return tuple(
            Family(
                metric.name,
                metric.documentation,
                metric.type,
                tuple((sample.name, sample.labels, sample.value) for sample in metric.samples),
            )
            for metric in self._registry.collect()
        )

    def collect(self) -> Iterator[Metric]:
        """Give all numbers."""
        build = GaugeMetricFamily("mserve_build_info", "Which mserve this is.", labels=("version", "python"))
        build.add_metric((version("mserve"), python_version()), 1)
        yield build
        yield GaugeMetricFamily("mserve_runs_active", "Runs that are not closed yet.", value=self._active())
        yield GaugeMetricFamily("mserve_runs_queued", "Runs that wait for their turn.", value=self._queued())
        yield from self._counters()
        yield from self._histograms()

    def _counters(self) -> Iterator[Metric]:
        families = (
            ("mserve_requests", "Requests that ended.", ("program", "outcome", "status"), self._requests),
            ("mserve_errors", "Requests that failed or were refused, by why.", ("program", "kind"), self._errors),
            ("mserve_runs", "Runs that ended.", ("program", "outcome"), self._runs),
            ("mserve_tokens", "Tokens that programs told of.", ("program", "type"), self._tokens),
        )
        for name, text, labels, counts in families:
            family = CounterMetricFamily(name, text, labels=labels)
            for values, count in counts.items():
                family.add_metric(values, count)
            yield family

    def _histograms(self) -> Iterator[Metric]:
        families = (
            ("mserve_request_duration_seconds", "From a request to its answer's end.", self._durations),
            ("mserve_time_to_first_token_seconds", "From a request to its answer's first event.", self._firsts),
            ("mserve_write_gap_seconds", "Between two writes of a stream.", self._gaps),
        )
        for name, text, spreads in families:
            family = HistogramMetricFamily(name, text, labels=("program",))
            for program, spread in spreads.items():
                family.add_metric((program,), list(spread.buckets()), spread.sum)
            yield family
        lag = HistogramMetricFamily(
            "mserve_event_loop_lag_seconds", "How late the event loop was, a few times a second."
        )
        lag.add_metric((), list(self._lags.buckets()), self._lags.sum)
        yield lag


class _Told(Collector):
    """Numbers that were sent."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.text, family.kind)
            for name, labels, value in family.samples:
                metric.add_sample(name, labels, value)
            yield metric
