"""Deepgram's own SDK talks to the simulator: what it cannot read into its types is a fault of the simulator.

Argument 1 is the base address, 2 where trouble is ordered."""
import math
import sys

import httpx
from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types import ListenV1Error, ListenV1Metadata, ListenV1Results, ListenV1SpeechStarted, ListenV1UtteranceEnd
from trouble import raised, trouble
from websockets.exceptions import ConnectionClosedError, InvalidStatus

base, page = sys.argv[1:3]
sockets = base.replace("http", "ws", 1)
environment = DeepgramClientEnvironment(base=base, production=sockets, agent=sockets, agent_rest=base)
client = DeepgramClient(api_key="a-key", environment=environment)


def listen():
    """Two seconds of a voice and of silence, then the end."""
    voice = bytes(0x20 if math.sin(at / 6) > 0 else 0xA0 for at in range(8000))
    silence = b"\xff" * 16000
    options = dict(model="nova-3", encoding="mulaw", sample_rate="8000", interim_results="true", endpointing="300",
                   utterance_end_ms="1000", vad_events="true", punctuate="true")
    with client.listen.v1.connect(**options) as socket:
        for sound in (voice, voice, silence):
            for at in range(0, len(sound), 800):
                socket.send_media(sound[at:at + 800])
        socket.send_keep_alive()
        socket.send_finalize()
        socket.send_close_stream()
        return list(socket)


messages = listen()
kinds = [type(message) for message in messages]
assert kinds[0] is ListenV1SpeechStarted and kinds[-1] is ListenV1Metadata, kinds
assert ListenV1UtteranceEnd in kinds, kinds
results = [message for message in messages if isinstance(message, ListenV1Results)]
interim = [result for result in results if not result.is_final]
final = [result for result in results if result.speech_final]
assert interim and interim[0].channel.alternatives[0].transcript, interim
assert [result.channel.alternatives[0].transcript for result in final] == ["Good morning."], final
words = final[0].channel.alternatives[0].words
assert [word.word for word in words] == ["good", "morning"] and words[0].end <= words[1].end
assert any(result.from_finalize for result in results)
assert abs(messages[-1].duration - 4.0) < 0.05 and len(messages[-1].sha256) == 64

sound = b"".join(client.speak.v1.audio.generate(text="Hello.", model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000,
                                                container="none"))
assert len(sound) == 6 * 60 * 8, len(sound)

with client.speak.v1.connect(model="aura-2-thalia-en", encoding="linear16", sample_rate="16000") as socket:
    from deepgram.speak.v1.types import SpeakV1Cleared, SpeakV1Flushed, SpeakV1Metadata, SpeakV1Text
    socket.send_text(SpeakV1Text(type="Speak", text="Hello."))
    socket.send_flush()
    spoken, message = b"", socket.recv()
    assert isinstance(message, SpeakV1Metadata), message
    while not isinstance(message, SpeakV1Flushed):
        message = socket.recv()
        if isinstance(message, bytes):
            spoken += message
    assert len(spoken) == 6 * 60 * 32, len(spoken)
    socket.send_clear()
    message = socket.recv()
    assert getattr(message, "type", None) == "Cleared", message
    socket.send_close()

wrong = DeepgramClient(api_key="wrong-key", environment=environment)
try:
    b"".join(wrong.speak.v1.audio.generate(text="Hello.", model="aura-2-thalia-en", encoding="mulaw", container="none"))
    raise SystemExit("a wrong key was taken")
except ApiError as error:
    assert error.status_code == 401 and error.body["err_code"] == "INVALID_AUTH", error


def speak():
    """What is heard goes to `heard`, also that before a fault."""
    heard.clear()
    asked = dict(model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000, container="none")
    for piece in client.speak.v1.audio.generate(text="Hello.", request_options={"max_retries": 0}, **asked):
        heard.append(piece)


def transcribe():
    """What is told about two seconds of a voice, sent at once, goes to `heard`."""
    heard.clear()
    options = dict(model="nova-3", encoding="mulaw", sample_rate="8000", interim_results="true", vad_events="true")
    with client.listen.v1.connect(**options) as socket:
        socket.send_media(bytes(0x20 if math.sin(at / 6) > 0 else 0xA0 for at in range(16000)))
        for message in socket:
            heard.append(message)


# What goes wrong. The SDK has one class for all refusals, and none for a socket that is refused or breaks off, nor for sound that does.
heard = []
with trouble(page, "too_many", retry_after=7):
    error = raised(ApiError, speak)
    refused = raised(InvalidStatus, transcribe)
assert error.status_code == 429 and error.headers["retry-after"] == "7" and error.body["err_code"] == "TOO_MANY_REQUESTS", error
assert refused.response.status_code == 429 and refused.response.headers["retry-after"] == "7", refused
with trouble(page, "unavailable", status=503):
    error = raised(ApiError, speak)
    refused = raised(InvalidStatus, transcribe)
assert error.status_code == 503 and refused.response.status_code == 503, (error, refused)
with trouble(page, "cut", after=2):
    raised(httpx.TransportError, speak)
assert 0 < len(b"".join(heard)) < 6 * 60 * 8, heard
with trouble(page, "error", after=1):
    closed = raised(ConnectionClosedError, transcribe)
assert [type(message) for message in heard] == [ListenV1SpeechStarted, ListenV1Error] and heard[1].variant == "NET-0000", heard
assert (closed.rcvd.code, closed.rcvd.reason) == (1011, "NET-0000"), closed
with trouble(page, "cut", after=1):
    closed = raised(ConnectionClosedError, transcribe)
assert [type(message) for message in heard] == [ListenV1SpeechStarted] and closed.rcvd is None, (heard, closed)
