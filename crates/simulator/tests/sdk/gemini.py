"""Google's SDK talks to the simulated Live sessions at argv[1]; argv[2] is where trouble is ordered."""

import asyncio
import struct
import sys

from google import genai
from google.genai import errors, live, types
from trouble import trouble
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


def plain(uri, ssl=None, **more):
    """The SDK knows no socket without TLS; the simulator on this machine has none."""
    return connect(uri.replace("wss://", "ws://"), **more)


live.ws_connect = plain
BASE, PAGE = sys.argv[1:3]
LOOK = {"name": "check_availability", "description": "Looks for free rooms.", "parameters": {"type": "OBJECT", "properties": {}}}
SPEECH = b"".join(struct.pack("<h", 8000 if at // 20 % 2 else -8000) for at in range(16 * 400))
SILENCE = bytes(2 * 16 * 1000)


def client(key="test-key"):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=BASE))


def config(by_hand, handle=None):
    return types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        system_instruction="You are a receptionist.",
        tools=[{"function_declarations": [LOOK]}],
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(disabled=by_hand, silence_duration_ms=300)
        ),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
    )


async def say(session):
    await session.send_realtime_input(activity_start=types.ActivityStart())
    await session.send_realtime_input(audio=types.Blob(data=SPEECH, mime_type="audio/pcm;rate=16000"))
    await session.send_realtime_input(activity_end=types.ActivityEnd())


async def collect(session, over):
    """Messages until one fits, their words and their sound."""
    heard, said, sound = "", "", 0
    while True:
        message = await asyncio.wait_for(session._receive(), 10)
        content = message.server_content
        if content and content.input_transcription:
            heard += content.input_transcription.text or ""
        if content and content.output_transcription:
            said += content.output_transcription.text or ""
        if content and content.model_turn:
            for part in content.model_turn.parts:
                assert part.inline_data.mime_type == "audio/pcm;rate=24000"
                sound += len(part.inline_data.data)
        if over(message):
            return message, heard, said, sound


def generated(message):
    return message.server_content and message.server_content.generation_complete


async def by_hand():
    async with client().aio.live.connect(model="gemini-live-2.5-flash-preview", config=config(True)) as session:
        await say(session)
        _, heard, said, sound = await collect(session, generated)
        assert (heard, said.strip()) == ("good morning", "Good morning. How can I help you?"), (heard, said)
        assert sound == len(said.strip()) * 60 * 24 * 2, sound
        usage, *_ = await collect(session, lambda message: message.usage_metadata)
        details = {detail.modality: detail.token_count for detail in usage.usage_metadata.response_tokens_details}
        assert details["AUDIO"] > 0 and usage.usage_metadata.total_token_count > 0
        update, *_ = await collect(session, lambda message: message.session_resumption_update)
        handle = update.session_resumption_update.new_handle

        await say(session)
        call, *_ = await collect(session, lambda message: message.tool_call)
        wish = call.tool_call.function_calls[0]
        assert wish.name == "check_availability" and wish.args["nights"] == 2
        await session.send_tool_response(
            function_responses=[types.FunctionResponse(id=wish.id, name=wish.name, response={"output": {"free": 3}})]
        )
        await collect(session, lambda message: message.server_content and message.server_content.model_turn)
        # A new activity interrupts.
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await collect(session, lambda message: message.server_content and message.server_content.interrupted)
        await collect(session, lambda message: message.server_content and message.server_content.turn_complete)
    async with client().aio.live.connect(model="gemini-live-2.5-flash-preview", config=config(True, handle)) as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="breakfast?")]), turn_complete=True)
        _, _, said, _ = await collect(session, generated)
        assert said.startswith("Breakfast is served"), said


async def by_itself():
    async with client().aio.live.connect(model="gemini-live-2.5-flash-preview", config=config(False)) as session:
        for sound in (SPEECH, SILENCE):
            await session.send_realtime_input(audio=types.Blob(data=sound, mime_type="audio/pcm;rate=16000"))
        _, _, said, sound = await collect(session, generated)
        assert said and sound > 0


async def closed_door(code, kind, **more):
    """For a socket that is refused the SDK has no class of its own."""
    with trouble(PAGE, kind, **more):
        try:
            async with client().aio.live.connect(model="gemini-live-2.5-flash-preview", config=config(True)):
                pass
        except InvalidStatus as error:
            assert error.response.status_code == code, error
            return error.response.headers
    raise AssertionError("a session was opened")


async def broken(kind, **more):
    """The SDK's error about a turn that goes wrong in its middle."""
    heard = []
    async with client().aio.live.connect(model="gemini-live-2.5-flash-preview", config=config(True)) as session:
        with trouble(PAGE, kind, **more):
            await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="breakfast?")]), turn_complete=True)
            try:
                await collect(session, lambda message: heard.append(message))
            except errors.APIError as error:
                assert any(message.server_content and message.server_content.model_turn for message in heard), heard
                return error


async def going_wrong():
    assert (await closed_door(429, "too_many", retry_after=7))["retry-after"] == "7"
    await closed_door(503, "unavailable", status=503)
    # Within a session the vendor has no other word for a fault than closing it.
    assert (await broken("error", after=2)).code == 1011
    assert (await broken("cut", after=2)).code == 1006


async def main():
    await by_hand()
    await by_itself()
    await going_wrong()
    try:
        async with client("wrong-key").aio.live.connect(model="gemini-live-2.5-flash-preview", config=config(True)):
            raise AssertionError("a wrong key was taken")
    except AssertionError:
        raise
    except Exception as error:
        assert "401" in str(error) or "API key" in str(error), error


asyncio.run(main())
