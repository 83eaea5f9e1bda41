"""A recording on its way out, cut as clients join it. Never waits for more of it than base64 needs."""

from base64 import b64encode

from msgspec import UNSET

from mserve.events import AudioDelta
from mserve.protocols.base import Envelope

from .parts import audio_id, audio_time
from .reply_schema import AudioPiece


class Recording:
    """Cuts what is spoken. Clients join text to text and add number to number: its id and its time come only once."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._began = self._has_id = self._has_time = False
        self._rest = b""

    def piece(self, said: AudioDelta) -> AudioPiece | None:
        """Give what can be sent of a piece: three bytes are four letters of base64, and others wait."""
        self._began = True
        data = self._rest + said.data
        whole = len(data) // 3 * 3
        self._rest = data[whole:]
        return self._made(data[:whole], said.transcript, said.id, said.expires_at)

    def rest(self) -> AudioPiece | None:
        """Give what is left where the recording ends."""
        if not self._began:
            return None
        return self._made(self._rest, "", audio_id(None, self._envelope), audio_time(None, self._envelope))

    def _made(self, data: bytes, transcript: str, known: str | None, expires_at: int | None) -> AudioPiece | None:
        piece = AudioPiece(
            id=UNSET if known is None or self._has_id else known,
            data=b64encode(data).decode() or UNSET,
            transcript=transcript or UNSET,
            expires_at=UNSET if expires_at is None or self._has_time else expires_at,
        )
        self._has_id |= piece.id is not UNSET
        self._has_time |= piece.expires_at is not UNSET
        return None if piece == AudioPiece() else piece
