"""The SDK of OpenAI speaks and listens at argv[1]; with "speak" or "listen" it makes one request, which is refused.

Otherwise argv[3] is where trouble is ordered."""

import io
import sys
import wave

import httpx2
from openai import APIConnectionError, AuthenticationError, BadRequestError, InternalServerError, OpenAI, RateLimitError
from trouble import raised, trouble

BASE, MODE = sys.argv[1:3]
TEXT = "Hello there."


def client(key="a-key"):
    return OpenAI(api_key=key, base_url=BASE, max_retries=0)


def speak(of, **more):
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT, "response_format": "pcm", **more}
    with of.audio.speech.with_streaming_response.create(**asked) as answer:
        return b"".join(answer.iter_bytes())


def recording(samples=4000):
    file = io.BytesIO()
    with wave.open(file, "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(8000)
        clip.writeframes(b"\x00\x10" * samples)
    return ("utterance.wav", file.getvalue(), "audio/wav")


def listen(of, **more):
    asked = {"file": recording(), "model": "gpt-4o-mini-transcribe", "language": "en", "response_format": "json", **more}
    return of.audio.transcriptions.create(**asked)


def refused(kind, work):
    try:
        work()
    except kind as error:
        return error
    raise AssertionError("it was not refused")


if MODE == "speak":
    refused(BadRequestError, lambda: speak(client()))
    sys.exit(0)
if MODE == "listen":
    refused(BadRequestError, lambda: listen(client(), prompt="double, nights, room", include=["logprobs"]))
    sys.exit(0)
if MODE == "keywords":
    more = {"model": "gpt-transcribe", "language": None, "languages": ["en"], "keywords": ["double"]}
    del more["language"]
    asked = {"file": recording(), "response_format": "json", **more}
    refused(BadRequestError, lambda: client().audio.transcriptions.create(**asked))
    sys.exit(0)

# 60 ms a letter, at 24 kHz two bytes each.
assert len(speak(client())) == len(TEXT) * 1440 * 2
assert speak(client(), response_format="wav").startswith(b"RIFF")

heard = listen(client(), prompt="double, room", include=["logprobs"])
assert heard.text == "Good morning.", heard
assert [token.token for token in heard.logprobs] == ["Good", " morning."] and heard.logprobs[0].logprob < 0, heard
assert heard.usage.type == "tokens" and heard.usage.input_token_details.audio_tokens == 5, heard.usage
assert listen(client()).logprobs is None
whole = listen(client(), model="whisper-1", response_format="verbose_json")
assert whole.text == "What time is breakfast." and whole.duration == 0.5 and whole.language == "en", whole
assert whole.segments[0].avg_logprob < 0 and whole.usage.type == "duration", whole
assert listen(client(), model="whisper-1", response_format="text") == "Thank you goodbye.\n"

error = refused(AuthenticationError, lambda: listen(client("wrong-key")))
assert error.code == "invalid_api_key" and error.type == "invalid_request_error", error.body
error = refused(BadRequestError, lambda: listen(client(), file=recording(700)))
assert error.code == "audio_too_short" and error.param == "file", error.body
error = refused(BadRequestError, lambda: listen(client(), file=("a.wav", b"nonsense", "audio/wav")))
assert error.code == "invalid_value", error.body
error = refused(BadRequestError, lambda: speak(client(), voice="nobody"))
assert error.param == "voice", error.body
error = refused(BadRequestError, lambda: speak(client(), input="x" * 4097))
assert error.code == "string_above_max_length", error.body


def speak_in_pieces():
    """What is heard goes to `pieces`, also that before a fault."""
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT, "response_format": "pcm"}
    with client().audio.speech.with_streaming_response.create(**asked) as answer:
        for piece in answer.iter_bytes():
            pieces.append(piece)


# What goes wrong. The SDK has a class for each refusal, and does not try again here.
PAGE, pieces = sys.argv[3], []
for work in (speak_in_pieces, lambda: listen(client())):
    with trouble(PAGE, "too_many", retry_after=7):
        error = raised(RateLimitError, work)
    assert error.code == "rate_limit_exceeded" and error.response.headers["retry-after"] == "7", error
    with trouble(PAGE, "unavailable", status=503):
        error = raised(InternalServerError, work)
    assert error.status_code == 503 and error.type == "server_error", error
# For sound that breaks off the SDK has no class of its own, for a whole answer it has.
with trouble(PAGE, "cut", after=2):
    raised(httpx2.TransportError, speak_in_pieces)
assert 0 < len(b"".join(pieces)) < len(TEXT) * 1440 * 2, pieces
with trouble(PAGE, "cut", after=0):
    raised(APIConnectionError, lambda: listen(client()))
