"""The SDK of ElevenLabs talks to the simulator at argv[1]; with "record" it makes one request, which is refused.

Otherwise argv[3] is where trouble is ordered."""

import sys

import httpx
from elevenlabs import ElevenLabs, VoiceSettings
from elevenlabs.core.api_error import ApiError
from trouble import raised, trouble

BASE, MODE = sys.argv[1:3]
VOICE = "21m00Tcm4TlvDq8ikWAM"
TEXT = "Hello there."


def client(key="a-key"):
    return ElevenLabs(api_key=key, base_url=BASE)


def stream(of, text=TEXT, voice=VOICE, **more):
    asked = {"model_id": "eleven_flash_v2_5", "language_code": "en", "output_format": "ulaw_8000", **more}
    settings = VoiceSettings(stability=0.5, similarity_boost=0.75)
    return list(of.text_to_speech.stream(voice, text=text, voice_settings=settings, **asked))


def refused(work):
    try:
        work()
    except ApiError as error:
        return error.status_code, error.body
    raise AssertionError("it was not refused")


if MODE == "record":
    assert refused(lambda: stream(client()))[0] == 400
    sys.exit(0)

# 60 ms a letter, at 8 kHz a byte each.
pieces = stream(client())
assert sum(map(len, pieces)) == len(TEXT) * 480, [len(piece) for piece in pieces]
whole = b"".join(client().text_to_speech.convert(VOICE, text=TEXT, model_id="eleven_flash_v2_5", output_format="pcm_16000"))
assert len(whole) == len(TEXT) * 960 * 2, len(whole)

voices = client().voices.get_all().voices
assert any(voice.voice_id == VOICE and voice.name == "Rachel" for voice in voices), voices

# Over the WebSocket: the SDK takes TLS for granted.
live = client()
live.text_to_speech._ws_base_url = BASE.replace("http://", "ws://")
said = live.text_to_speech.convert_realtime(
    VOICE, text=iter(["Good morning. ", "And welcome. "]), model_id="eleven_flash_v2_5", output_format="ulaw_8000"
)
sound = b"".join(said)
# The text is spoken without the spaces around it.
assert len(sound) == len("Good morning. And welcome.") * 480, len(sound)
bad = client("wrong-key")
bad.text_to_speech._ws_base_url = live.text_to_speech._ws_base_url
status, body = refused(lambda: list(bad.text_to_speech.convert_realtime(VOICE, text=iter(["Hello. "]), output_format="ulaw_8000")))
assert status == 1008, (status, body)

for work, wanted, word in [
    (lambda: stream(client("wrong-key")), 401, "invalid_api_key"),
    (lambda: stream(client(), voice="nobody"), 404, "voice_not_found"),
    (lambda: stream(client(), model_id="another"), 400, "model_not_found"),
]:
    status, body = refused(work)
    assert status == wanted and body["detail"]["status"] == word, (status, body)
status, body = refused(lambda: stream(client(), text=" "))
assert status == 422, (status, body)


def pieces(sound):
    """What is heard goes to `heard`, also that before a fault."""
    heard.clear()
    for piece in sound:
        heard.append(piece)


def over_http():
    # The SDK tries nothing again that is streamed.
    pieces(client().text_to_speech.stream(VOICE, text=TEXT, model_id="eleven_flash_v2_5", output_format="ulaw_8000"))


def over_a_socket():
    text = iter(["Good morning. ", "And welcome. "])
    pieces(live.text_to_speech.convert_realtime(VOICE, text=text, model_id="eleven_flash_v2_5", output_format="ulaw_8000"))


# What goes wrong. The SDK has one class for all refusals, and for sound that breaks off over HTTP none.
PAGE, heard = sys.argv[3], []
with trouble(PAGE, "too_many", retry_after=7):
    error = raised(ApiError, over_http)
assert error.status_code == 429 and error.headers["retry-after"] == "7", error
assert error.body["detail"]["status"] == "too_many_concurrent_requests", error
with trouble(PAGE, "unavailable", status=503):
    error = raised(ApiError, over_http)
assert error.status_code == 503 and error.body["detail"]["status"] == "internal_error", error
with trouble(PAGE, "cut", after=3):
    raised(httpx.TransportError, over_http)
assert 0 < len(b"".join(heard)) < len(TEXT) * 480, heard
with trouble(PAGE, "error", after=2):
    error = raised(ApiError, over_a_socket)
assert error.status_code == 1008 and error.body["error"] == "internal_server_error" and heard, error
with trouble(PAGE, "cut", after=2):
    error = raised(ApiError, over_a_socket)
assert error.status_code == 1006 and heard, error
