import base64
from typing import Any

import pytest
from mellea.core import AudioBlock, ImageBlock, ImageUrlBlock
from mellea.serve import ChatMessage

from mserve.errors import ClientError
from mserve.program import Call
from mserve.programs.ecosystems.mellea import PARAMETERS
from mserve.request import Request
from mserve.runs.cancellation import Cancellation


def messages_of(*sent: dict[str, Any]) -> list[ChatMessage]:
    call = Call(request=Request(messages=list(sent)), cancelled=Cancellation())
    messages: list[ChatMessage] = PARAMETERS["input"](call)
    return messages


PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
SILENCE = base64.b64encode(
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0"
).decode()


def pictured(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def heard(data: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]}


def test_images_and_recordings_are_mellea_s_blocks() -> None:
    here, there, sound = messages_of(pictured(PIXEL), pictured("https://example.org/a.png"), heard(SILENCE))
    assert [type(block) for block in here.get_image_blocks()] == [ImageBlock]
    assert [type(block) for block in there.get_image_blocks()] == [ImageUrlBlock]
    assert [type(block) for block in sound.get_audio_blocks()] == [AudioBlock]
    assert not sound.get_image_blocks()
    assert not here.get_audio_blocks()


@pytest.mark.parametrize(
    "sent", [pictured("ftp://example.org/a.png"), pictured("data:image/png;base64,AAAA"), heard("=")]
)
def test_what_is_no_image_or_recording_is_the_clients_fault(sent: dict[str, Any]) -> None:
    [message] = messages_of(sent)
    with pytest.raises(ClientError, match="messages: Invalid ") as raised:
        assert message.get_image_blocks() + message.get_audio_blocks()
    assert (raised.value.status, raised.value.param) == (400, "messages")
