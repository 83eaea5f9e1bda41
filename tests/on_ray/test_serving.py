import asyncio

import httpx

from on_ray.asking import ask, body, client
from raying import RayServer


async def test_both_programs_answer_to_their_names(talking: RayServer) -> None:
    async with client() as http:
        models = (await http.get(f"{talking.base_url}/models")).json()
        talked = await ask(http, talking.base_url, body("a", count=3))
        shouted = await ask(http, talking.base_url, body("how are you", "upper"))
    assert [one["id"] for one in models["data"]] == ["talker", "upper"]
    assert talked.is_whole("a", 3)
    assert shouted.text == "HOW ARE YOU "
    assert shouted.done == 1


async def test_each_word_comes_in_a_frame_of_its_own_when_it_is_said(talking: RayServer) -> None:
    async with client() as http:
        stream = await ask(http, talking.base_url, body("slow", count=10, pause=0.2))
    assert stream.is_whole("slow", 10)
    assert len(stream.frames) >= 11
    assert stream.times[0] < stream.times[-1] - 1.5  # the program takes two seconds for its words


async def test_replicas_share_the_streams(talking: RayServer) -> None:
    async with client() as http:
        streams = await asyncio.gather(*(ask(http, talking.base_url, body(f"s{n}", count=20)) for n in range(20)))
    assert all(stream.is_whole(f"s{n}", 20) for n, stream in enumerate(streams))
    assert {stream.pid for stream in streams} == talking.replicas("talker")


async def test_what_surrounds_a_request_travels_with_it(talking: RayServer) -> None:
    async with client() as http:
        http.headers["x-wish"] = "all"
        stream = await ask(http, talking.base_url, body("a", count=1, fails="told"))
    assert stream.text == f"{stream.pid} opened by {stream.pid}; None; all a/0 "


async def test_a_whole_reply_is_one_body_and_every_protocol_is_there(talking: RayServer) -> None:
    async with client() as http:
        url = talking.base_url
        whole = (await http.post(f"{url}/chat/completions", json=body("a b", "upper", stream=False))).json()
        completed = (await http.post(f"{url}/completions", json={"model": "upper", "prompt": "a b"})).json()
        responded = (await http.post(f"{url}/responses", json={"model": "upper", "input": "a b"})).json()
    assert whole["choices"][0]["message"]["content"] == "A B "
    assert completed["choices"][0]["text"] == "A B "
    assert responded["output"][0]["content"][0]["text"] == "A B "


async def test_a_program_s_word_to_its_client_has_its_own_status(talking: RayServer) -> None:
    async with client() as http:
        stream = await ask(http, talking.base_url, body("a", fails="first"))
    assert stream.status == 422
    assert stream.error is not None
    assert stream.error["message"] == "no such city"
    assert stream.error["code"] == "no_city"


async def test_a_failure_in_the_middle_is_one_framed_error_and_tells_no_secret(talking: RayServer) -> None:
    async with client() as http:
        stream = await ask(http, talking.base_url, body("a", count=4, fails="later"))
    assert stream.status == 200
    assert stream.text.split()[1:] == ["a/0", "a/1"]
    assert stream.error is not None
    assert stream.error["code"] == "program_error"
    assert "secret" not in stream.error["message"]


async def test_a_model_that_is_not_there_is_a_404(talking: RayServer) -> None:
    async with client() as http:
        stream = await ask(http, talking.base_url, body("a", "nobody"))
    assert stream.status == 404
    assert stream.error is not None
    assert stream.error["code"] == "model_not_found"


async def test_a_request_has_one_id(talking: RayServer) -> None:
    async with client() as http:
        answer = await http.get(f"{talking.base_url}/models")
        named = await http.get(f"{talking.base_url}/models", headers={"x-request-id": "mine"})
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert named.headers.get_list("x-request-id") == ["mine"]


def test_health_and_the_page_are_there(talking: RayServer) -> None:
    root = talking.base_url.removesuffix("/v1")
    assert httpx.get(f"{root}/health/ready", trust_env=False).json() == {"status": "ok"}
    assert "html" in httpx.get(f"{root}/", trust_env=False).headers["content-type"]
