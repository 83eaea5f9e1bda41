"""Spans and histograms for OpenTelemetry, after its conventions for GenAI. The only file that knows it."""

import os
from importlib.metadata import version
from importlib.util import find_spec

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue
from starlette.types import Scope

from mserve.errors import StartupError
from mserve.protocols import chat_completions, completions

from .record import Record

_OPERATIONS = {chat_completions.PATH: "chat", completions.PATH: "text_completion"}
_PARAMETERS = {
    "gen_ai.request.frequency_penalty": "frequency_penalty",
    "gen_ai.request.presence_penalty": "presence_penalty",
    "gen_ai.request.seed": "seed",
    "gen_ai.request.temperature": "temperature",
    "gen_ai.request.top_p": "top_p",
}
_LONGEST = 128
"""Characters of a text that a client chose."""
_LOOK = 1.0
"""Seconds between two looks at whether the host, or a program, has set OpenTelemetry up."""

# What the conventions ask for.
_DURATION = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)

_Attributes = dict[str, AttributeValue]


class Telemetry:
    """What one app tells to whatever the host set up; nothing, where it set up nothing."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("mserve", version("mserve"))
        meter = metrics.get_meter("mserve", version("mserve"))

        def histogram(name: str, text: str, bounds: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=bounds)

        self.duration = histogram("gen_ai.server.request.duration", "From a request to its answer's end.", _DURATION)
        self.first = histogram("gen_ai.server.time_to_first_token", "From a request to its first token.", _FIRST)
        self.per_token = histogram("gen_ai.server.time_per_output_token", "Between two tokens.", _PER_TOKEN)
        self._is_on = False
        self._look_at = 0.0

    def begin(self, record: Record, scope: Scope) -> "Trace | None":
        """Begin the span of a request, which is the caller's, where it names one; None while nobody wants any."""
        if not self._is_on and record.started >= self._look_at:
            self._look_at = record.started + _LOOK
            self._is_on = _is_set_up()
        if not self._is_on:
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = propagate.extract(headers)
        span = self._tracer.start_span("POST", parent, SpanKind.SERVER, attributes=_of_place(record, scope))
        return Trace(self, span, parent)


class Trace:
    """One request's span, around all that happens in its task and its runs."""

    def __init__(self, telemetry: Telemetry, span: Span, parent: context.Context) -> None:
        self._telemetry = telemetry
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span, parent))

    def end(self, record: Record) -> None:
        """Tell how the request ended."""
        operation = _OPERATIONS.get(record.endpoint or "")
        if operation is not None:
            self._measure(operation, record)
        if self._span.is_recording():
            if operation is not None:
                self._span.update_name(f"{operation} {record.program or ''}".rstrip())
                self._span.set_attributes({"gen_ai.operation.name": operation} | _of_request(record))
            self._span.set_attributes(_of_answer(record))
            if record.outcome == "failed":
                self._span.set_status(StatusCode.ERROR, record.end[:_LONGEST])
        self._span.end()
        context.detach(self._token)

    def _measure(self, operation: str, record: Record) -> None:
        # The program's name, not the client's word for it: that may be any.
        attributes: _Attributes = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "mserve"}
        if record.program is not None:
            attributes |= {"gen_ai.request.model": record.program, "gen_ai.response.model": record.program}
        error: _Attributes = {} if record.kind is None else {"error.type": record.kind}
        self._telemetry.duration.record(record.ended - record.started, attributes | error)
        if record.kind is not None or record.first is None:
            return
        self._telemetry.first.record(record.first - record.started, attributes)
        # Several choices come side by side: what lies between two tokens is no time that any of them took.
        rate = record.rate(record.usage.output_tokens) if record.usage and len(record.runs) == 1 else None
        if rate is not None:
            self._telemetry.per_token.record(1 / rate, attributes)


def _is_set_up() -> bool:
    """Tell whether there is a provider that is not the API's own, which drops all that it is told."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    return any(not type(p).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")) for p in providers)


def _of_place(record: Record, scope: Scope) -> _Attributes:
    server = scope.get("server") or (None, None)
    known = {
        "http.request.method": record.method,
        "url.path": scope["path"][:_LONGEST],
        "url.scheme": scope.get("scheme"),
        "server.address": server[0],
        "server.port": server[1],
        "client.address": record.client,
        "mserve.request_id": record.id,
    }
    return {name: value for name, value in known.items() if value is not None}


def _of_request(record: Record) -> _Attributes:
    request = record.request
    known: dict[str, AttributeValue | None] = {
        "http.route": record.endpoint,
        "gen_ai.provider.name": "mserve",
        "gen_ai.request.model": (record.model or record.program or "")[:_LONGEST] or None,
        "gen_ai.response.model": record.program,
    }
    if request is not None:
        known |= {name: getattr(request, field) for name, field in _PARAMETERS.items()}
        most = request.max_completion_tokens
        known["gen_ai.request.max_tokens"] = request.max_tokens if most is None else most
        known["gen_ai.request.stream"] = bool(request.stream)
        known["gen_ai.request.choice.count"] = len(record.runs) if len(record.runs) > 1 else None
    return {name: value for name, value in known.items() if value is not None}


def _of_answer(record: Record) -> _Attributes:
    usage, first = record.usage, record.first
    known: dict[str, AttributeValue | None] = {
        "http.response.status_code": record.status,
        "error.type": record.kind,
        "gen_ai.response.finish_reasons": record.reasons or None,
        "gen_ai.response.time_to_first_chunk": first - record.started if first and record.is_stream else None,
        "mserve.caller": record.caller,
        "mserve.end": record.end[:_LONGEST],
    }
    if usage is not None:
        known |= {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
        }
    return {name: value for name, value in known.items() if value is not None}


def set_up() -> None:
    """Set the SDK up as the `OTEL_` variables say; `StartupError` where that fails. Nothing where the host has."""
    if _is_set_up() or find_spec("opentelemetry.sdk") is None:
        return
    has_end = "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ
    if not has_end and "OTEL_TRACES_EXPORTER" not in os.environ:
        return
    if has_end:
        os.environ.setdefault("OTEL_TRACES_EXPORTER", "otlp")
        os.environ.setdefault("OTEL_METRICS_EXPORTER", "otlp")
    os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")  # the extra has no other
    if "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", "mserve")
    # Meant for whoever brings the SDK to users; `opentelemetry-instrument` takes the same way.
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # noqa: PLC0415  # an extra

    try:
        _OTelSDKConfigurator().configure()  # type: ignore[no-untyped-call]  # its types end here
    except Exception as error:
        raise StartupError(f"OpenTelemetry cannot be set up as the OTEL_ variables say: {error}") from error
