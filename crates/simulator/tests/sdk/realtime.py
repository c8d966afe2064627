"""OpenAI's SDK talks to the simulated Realtime at argv[1]: its typed events parse strictly, in the vendor's order.

argv[2] is where trouble is ordered."""

import asyncio
import base64
import math
import struct
import sys

from openai import AsyncOpenAI
from openai.types.realtime import RealtimeErrorEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import TypeAdapter
from trouble import trouble
from websockets.exceptions import ConnectionClosed, InvalidStatus

BASE, PAGE = sys.argv[1:3]
STRICT = TypeAdapter(RealtimeServerEvent)
LOOK = {
    "type": "function",
    "name": "check_availability",
    "description": "Looks for free rooms.",
    "parameters": {"type": "object", "properties": {"arrival": {"type": "string"}}},
}
ULAW = {"type": "audio/pcmu"}
# A loud square wave: one byte each of the loudest halves.
SPEECH = base64.b64encode((b"\x80" * 10 + b"\x00" * 10) * 40).decode()


def client(key="test-key", **more):
    return AsyncOpenAI(api_key=key, base_url=BASE, websocket_base_url=BASE.replace("http://", "ws://"), max_retries=0, **more)


async def until(connection, kind, seen=None):
    while True:
        event = await asyncio.wait_for(connection.recv(), 10)
        # Unlike the SDK's own parser, which takes anything, this one wants all fields that must be there.
        STRICT.validate_python(event.model_dump())
        if seen is not None:
            seen.append(event)
        assert kind == "error" or not isinstance(event, RealtimeErrorEvent), event
        if event.type == kind:
            return event


def settings(detection, audio=ULAW, **more):
    return {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": "You are a receptionist.",
        "audio": {
            "input": {"format": audio, "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"}, "turn_detection": detection},
            "output": {"format": audio, "voice": "cedar"},
        },
        "tools": [LOOK],
        "tool_choice": "auto",
        "max_output_tokens": 1000,
        **more,
    }


async def by_hand():
    async with client().realtime.connect(model="gpt-realtime") as connection:
        created = await until(connection, "session.created")
        assert created.session.audio.input.turn_detection.type == "server_vad"
        await connection.session.update(session=settings(None))
        updated = await until(connection, "session.updated")
        assert updated.session.audio.input.turn_detection is None and updated.session.audio.output.voice == "cedar"

        # Too little, then enough.
        await connection.input_audio_buffer.commit()
        error = await until(connection, "error")
        assert error.error.code == "input_audio_buffer_commit_empty"
        for _ in range(4):
            await connection.input_audio_buffer.append(audio=SPEECH)
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        seen = []
        done = await until(connection, "response.done", seen)
        kinds = [event.type for event in seen]
        order = [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        places = [kinds.index(kind) for kind in order]
        assert places == sorted(places), kinds
        assert done.response.status == "completed"
        assert done.response.output[0].content[0].transcript == "Good morning. How can I help you?"
        usage = done.response.usage
        assert usage.input_tokens + usage.output_tokens == usage.total_tokens and usage.output_token_details.audio_tokens > 0
        bytes_ = sum(len(base64.b64decode(event.delta)) for event in seen if event.type == "response.output_audio.delta")
        assert bytes_ == 33 * 480, bytes_
        if "conversation.item.input_audio_transcription.completed" not in kinds:
            words = await until(connection, "conversation.item.input_audio_transcription.completed")
            assert words.transcript == "good morning"

        # A tool.
        for _ in range(4):
            await connection.input_audio_buffer.append(audio=SPEECH)
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        call = await until(connection, "response.function_call_arguments.done")
        await until(connection, "response.done")
        await connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": '{"free": 3}'}
        )
        await connection.response.create()
        seen = []
        await until(connection, "response.output_audio.delta", seen)
        await connection.response.create()
        assert (await until(connection, "error", seen)).error.code == "conversation_already_has_active_response"

        # Cut off, and told what was heard.
        item = next(event.item for event in seen if event.type == "response.output_item.added")
        await connection.response.cancel()
        done = await until(connection, "response.done")
        assert (done.response.status, done.response.status_details.reason) == ("cancelled", "client_cancelled")
        await connection.conversation.item.truncate(item_id=item.id, content_index=0, audio_end_ms=50)
        assert (await until(connection, "conversation.item.truncated")).audio_end_ms == 50
        await connection.conversation.item.truncate(item_id=item.id, content_index=0, audio_end_ms=99999)
        assert (await until(connection, "error")).error.param == "audio_end_ms"
        await connection.response.cancel()
        assert (await until(connection, "error")).error.code == "response_cancel_not_active"
        await connection.send({"type": "nonsense", "event_id": "mine"})
        assert (await until(connection, "error")).error.event_id == "mine"


def pcm(millis, loud):
    samples = (int(8000 * math.sin(at / 12)) if loud else 0 for at in range(24 * millis))
    return base64.b64encode(b"".join(struct.pack("<h", sample) for sample in samples)).decode()


async def by_itself(detection):
    async with client().realtime.connect(model="gpt-realtime") as connection:
        await until(connection, "session.created")
        await connection.session.update(session=settings(detection, {"type": "audio/pcm", "rate": 24000}))
        await until(connection, "session.updated")
        await connection.input_audio_buffer.append(audio=pcm(500, True))
        await until(connection, "input_audio_buffer.speech_started")
        await connection.input_audio_buffer.append(audio=pcm(1000, False))
        stopped = await until(connection, "input_audio_buffer.speech_stopped")
        assert abs(stopped.audio_end_ms - 500) <= 40, stopped
        await until(connection, "response.output_audio.delta")
        # The caller interrupts.
        await connection.input_audio_buffer.append(audio=pcm(300, True))
        done = await until(connection, "response.done")
        assert (done.response.status, done.response.status_details.reason) == ("cancelled", "turn_detected")


async def refused(connecting, code):
    try:
        async with connecting as connection:
            while True:
                event = await asyncio.wait_for(connection.recv(), 10)
                if event.type == "error":
                    assert event.error.code == code, event
    except ConnectionClosed as closed:
        assert closed.rcvd.code == 4000, closed


async def closed_door(code, kind, **more):
    """For a socket that is refused the SDK has no class of its own."""
    with trouble(PAGE, kind, **more):
        try:
            await client().realtime.connect(model="gpt-realtime").enter()
        except InvalidStatus as error:
            assert error.response.status_code == code, error
            return error.response.headers
    raise AssertionError("a session was opened")


async def ask(connection, seen=None):
    hello = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
    await connection.conversation.item.create(item=hello)
    await connection.response.create()
    return (await until(connection, "response.done", seen)).response


async def going_wrong():
    assert (await closed_door(429, "too_many", retry_after=7))["retry-after"] == "7"
    await closed_door(503, "unavailable", status=503)
    async with client().realtime.connect(model="gpt-realtime") as connection:
        await until(connection, "session.created")
        await connection.session.update(session=settings(None))
        await until(connection, "session.updated")
        # An answer that fails is told as the answer's end, and the session goes on.
        for kind, more, code, begun in [
            ("too_many", {"retry_after": 7}, "rate_limit_exceeded", False),
            ("unavailable", {"status": 500}, "server_error", False),
            ("error", {"after": 2}, "server_error", True),
        ]:
            seen = []
            with trouble(PAGE, kind, **more):
                failed = await ask(connection, seen)
            assert failed.status == "failed" and failed.status_details.error.code == code, failed
            assert any(event.type == "response.output_audio.delta" for event in seen) == begun, seen
        assert (await ask(connection)).status == "completed"
        seen = []
        try:
            with trouble(PAGE, "cut", after=2):
                await ask(connection, seen)
        except ConnectionClosed as closed:
            assert closed.rcvd is None and seen[-1].type == "response.output_audio.delta", (closed, seen)
        else:
            raise AssertionError("it was not cut")


async def main():
    await by_hand()
    await by_itself({"type": "server_vad", "silence_duration_ms": 300})
    await by_itself({"type": "semantic_vad", "eagerness": "high"})
    beta = client(default_headers={"OpenAI-Beta": "realtime=v1"})
    await refused(beta.realtime.connect(model="gpt-realtime", extra_headers={"OpenAI-Beta": "realtime=v1"}), "beta_api_shape_disabled")
    try:
        await client("wrong-key").realtime.connect(model="gpt-realtime").enter()
    except Exception as error:
        assert "401" in str(error), error
    else:
        raise AssertionError("a wrong key was taken")
    await going_wrong()


asyncio.run(main())
