"""openai-node against a real server that refuses or fails, and leaving one: `openai_errors.js`, `openai_abort.js`."""

from typing import Any

import pytest

from clients.node_scripts import Scripts
from processes import ServerProcess

SECRET = "this text is for the log alone"
LIMIT = 1.0
"""Seconds until the program knows that its client left; nobody stops it for sixteen."""


@pytest.fixture(scope="module")
def told(agent: ServerProcess) -> Scripts:
    return Scripts(agent.base_url)


def deltas_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def reasons_of(chunks: list[dict[str, Any]]) -> list[str | None]:
    return [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]


# ---- refusals and failures


@pytest.mark.parametrize("case", ["refused_whole", "refused_stream"])
def test_a_client_error_is_a_bad_request_with_all_its_parts(told: Scripts, case: str) -> None:
    refused = told("openai_errors", case)
    threw = refused["threw"]
    assert threw["kinds"][:2] == ["BadRequestError", "APIError"]
    assert (threw["status"], threw["message"]) == (400, "400 I will not.")
    assert (threw["type"], threw["code"], threw["param"]) == ("invalid_request_error", "refused", "messages")
    assert refused["sent"] == 1


def test_a_client_error_in_the_middle_ends_the_stream_with_an_error(told: Scripts) -> None:
    refused = told("openai_errors", "refused_midway")
    assert refused["threw"]["kinds"][0] == "APIError"
    assert (refused["threw"]["message"], refused["threw"]["code"]) == ("I will not.", "refused")
    assert deltas_of(refused["items"])[-1]["reasoning"] == "think. "
    assert set(reasons_of(refused["items"])) == {None}


@pytest.mark.parametrize("case", ["failed_whole", "failed_parse", "failed_tools_whole"])
def test_a_failed_program_is_a_server_error_and_is_not_asked_again(told: Scripts, case: str) -> None:
    failed = told("openai_errors", case)
    assert failed["threw"]["kinds"][0] == "InternalServerError"
    assert (failed["threw"]["status"], failed["threw"]["code"]) == (500, "program_error")
    assert SECRET not in failed["threw"]["message"]
    assert failed["sent"] == 1


def test_a_failure_in_the_middle_is_an_error_after_the_words_so_far_and_no_finish(told: Scripts) -> None:
    failed = told("openai_errors", "failed_midway")
    assert deltas_of(failed["items"]) == [{"role": "assistant"}, {"content": "You "}]
    assert set(reasons_of(failed["items"])) == {None}
    assert failed["threw"]["kinds"][:2] == ["APIError", "OpenAIError"]
    assert (failed["threw"]["type"], failed["threw"]["code"]) == ("server_error", "program_error")
    assert SECRET not in failed["threw"]["message"]
    assert failed["sent"] == 1


@pytest.mark.parametrize(("case", "heard"), [("failed_midway_helped", "You "), ("failed_midway_in_json", '{"cit')])
def test_the_stream_helper_never_takes_a_failed_reply_for_a_whole_one(told: Scripts, case: str, heard: str) -> None:
    failed = told("openai_errors", case)
    assert failed["heard"] == [heard]
    assert failed["events"] == ["error", "end"]
    assert (failed["threw"]["kinds"][0], failed["threw"]["code"]) == ("APIError", "program_error")


def test_a_call_that_was_cut_off_does_not_run(told: Scripts) -> None:
    failed = told("openai_errors", "failed_tools_streamed")
    assert (failed["threw"]["kinds"][0], failed["threw"]["code"]) == ("APIError", "program_error")
    assert (failed["ran"], failed["sent"]) == ([], 1)


@pytest.mark.parametrize(("case", "param"), [("no_messages", "messages"), ("wrong_type", "temperature")])
def test_a_request_that_is_wrong_is_a_bad_request_that_names_the_field(told: Scripts, case: str, param: str) -> None:
    threw = told("openai_errors", case)["threw"]
    assert (threw["kinds"][0], threw["param"]) == ("BadRequestError", param)


def test_an_unknown_path_is_not_found_and_says_so(told: Scripts) -> None:
    threw = told("openai_errors", "unknown_path")["threw"]
    assert (threw["kinds"][0], threw["status"]) == ("NotFoundError", 404)
    assert "/v1/nowhere" in threw["message"]


def test_an_unknown_method_is_an_error_with_a_body(told: Scripts) -> None:
    threw = told("openai_errors", "unknown_method")["threw"]
    assert (threw["status"], threw["code"]) == (405, "method_not_allowed")


def test_after_all_failures_the_server_answers_and_its_log_has_the_reason(told: Scripts, agent: ServerProcess) -> None:
    assert told("openai_errors", "after_all")["choices"][0]["message"]["content"] == "You said: Still there?"
    assert SECRET in agent.output


# ---- clients that leave


@pytest.mark.parametrize("case", ["left_by_break", "left_by_controller", "left_by_helper"])
def test_the_program_hears_of_a_client_that_leaves_a_stream(told: Scripts, case: str) -> None:
    left = told("openai_abort", case)
    assert "".join(left["heard"]) == "You said: "
    assert left["seconds"] is not None
    assert left["seconds"] < LIMIT


@pytest.mark.parametrize("case", ["left_whole", "left_by_timeout"])
def test_the_program_hears_of_a_client_that_leaves_before_its_reply(told: Scripts, case: str) -> None:
    left = told("openai_abort", case)
    assert left["seconds"] is not None
    assert left["seconds"] < LIMIT


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("left_by_helper", "APIUserAbortError"),
        ("left_whole", "APIUserAbortError"),
        ("left_by_timeout", "APIConnectionTimeoutError"),
    ],
)
def test_the_client_itself_calls_it_an_abort(told: Scripts, case: str, kind: str) -> None:
    assert told("openai_abort", case)["threw"]["kinds"][0] == kind
