"""NVIDIA's client talks to simulated Riva: models, a stream, a clip, health, and what is refused.

Argument 1 is the address, 2 where trouble is ordered."""

import math
import struct
import sys

import grpc
import riva.client
from riva.client.proto import health_pb2, health_pb2_grpc, riva_asr_pb2
from trouble import trouble

ADDRESS, PAGE = sys.argv[1:3]
RATE = 16000
TONE = struct.pack(f"<{RATE}h", *(int(8000 * math.sin(at / 5)) for at in range(RATE)))
CHUNKS = [TONE[at : at + 3200] for at in range(0, len(TONE), 3200)]


def config(**changes):
    wanted = dict(
        encoding=riva.client.AudioEncoding.LINEAR_PCM,
        language_code="en-US",
        sample_rate_hertz=RATE,
        max_alternatives=1,
        audio_channel_count=1,
        enable_word_time_offsets=True,
        enable_automatic_punctuation=True,
    )
    return riva.client.RecognitionConfig(**{**wanted, **changes})


def streaming(interim=True, **changes):
    return riva.client.StreamingRecognitionConfig(config=config(**changes), interim_results=interim)


def refused(call, code, word=""):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code and word in error.details(), error
        return error
    raise AssertionError(f"{code} was expected")


auth = riva.client.Auth(uri=ADDRESS, metadata_args=[["authorization", "Bearer a-key"]])
service = riva.client.ASRService(auth)

# Models, as NVIDIA's own scripts list them.
models = service.stub.GetRivaSpeechRecognitionConfig(riva_asr_pb2.RivaSpeechRecognitionConfigRequest())
online = [model for model in models.model_config if model.parameters["type"] == "online"]
assert any(model.parameters["language_code"] == "en-US" and model.parameters["sample_rate"] == "16000" for model in online)

# A stream: what may change, and then what stays.
responses = list(service.streaming_response_generator(CHUNKS, streaming()))
results = [result for response in responses for result in response.results]
interim, final = results[:-1], results[-1]
assert interim and not any(result.is_final for result in interim) and final.is_final
assert all(0 < result.stability < 1 and result.channel_tag == 1 for result in interim)
best = final.alternatives[0]
assert best.transcript == "Good morning. ", best.transcript
assert 0.9 < best.confidence <= 1 and final.audio_processed == 1.0
assert [(word.word, word.start_time, word.end_time) for word in best.words] == [("good", 0, 500), ("morning", 500, 1000)]
assert all(best.transcript.lower().startswith(result.alternatives[0].transcript.strip()) for result in interim)

# Without what may change, and with words to listen for.
wanted = streaming(interim=False, enable_automatic_punctuation=False)
riva.client.add_word_boosting_to_config(wanted, ["double", "room"], 20.0)
responses = list(service.streaming_response_generator(CHUNKS, wanted))
results = [result for response in responses for result in response.results]
assert len(results) == 1 and "double room" in results[0].alternatives[0].transcript

# A clip.
answer = service.offline_recognize(TONE, config(enable_automatic_punctuation=False))
assert answer.results[0].alternatives[0].transcript == "what time is breakfast "

# Health.
health = health_pb2_grpc.HealthStub(auth.channel)
assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING

# What Riva does not take.
INVALID = grpc.StatusCode.INVALID_ARGUMENT
refused(lambda: list(service.streaming_response_generator(CHUNKS, streaming(language_code="xx-XX"))), INVALID, "Unavailable model")
refused(lambda: list(service.streaming_response_generator(CHUNKS, streaming(sample_rate_hertz=8000))), INVALID, "Unavailable model")
refused(lambda: list(service.streaming_response_generator(CHUNKS, streaming(model="no-such-model"))), INVALID, "Unavailable model")
sound_first = iter([riva_asr_pb2.StreamingRecognizeRequest(audio_content=TONE)])
refused(lambda: list(service.stub.StreamingRecognize(sound_first)), INVALID, "first message")
twice = iter([riva_asr_pb2.StreamingRecognizeRequest(streaming_config=streaming())] * 2)
refused(lambda: list(service.stub.StreamingRecognize(twice)), INVALID, "only the first")
stranger = riva.client.ASRService(riva.client.Auth(uri=ADDRESS, metadata_args=[["authorization", "Bearer wrong-key"]]))
refused(lambda: list(stranger.streaming_response_generator(CHUNKS, streaming())), grpc.StatusCode.UNAUTHENTICATED)


def hear():
    """What is told goes to `heard`, also that before a fault."""
    heard.clear()
    for response in service.streaming_response_generator(CHUNKS, streaming()):
        heard.append(response)


# What goes wrong. gRPC has one class for all of it, which its code tells apart.
heard = []
with trouble(PAGE, "too_many", retry_after=7):
    error = refused(hear, grpc.StatusCode.RESOURCE_EXHAUSTED)
assert ("grpc-retry-pushback-ms", "7000") in error.trailing_metadata(), error
with trouble(PAGE, "unavailable", status=503):
    refused(hear, grpc.StatusCode.UNAVAILABLE, "Service unavailable")
with trouble(PAGE, "error", after=1):
    refused(hear, grpc.StatusCode.INTERNAL, "inference server")
assert len(heard) == 1, heard
# What was on its way may be lost with the connection.
with trouble(PAGE, "cut", after=1):
    refused(hear, grpc.StatusCode.UNAVAILABLE)
hear()
assert heard[-1].results[0].is_final, heard
