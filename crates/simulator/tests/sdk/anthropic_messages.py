"""Anthropic's SDK against the simulated messages: argument 1 is the base address, 2 where trouble is ordered."""

import sys

import anthropic
import httpx2
from trouble import raised, trouble

base, page = sys.argv[1:3]
client = anthropic.Anthropic(base_url=base, api_key="a-key", max_retries=0)
tools = [
    {
        "name": "check_availability",
        "description": "Looks for free rooms.",
        "input_schema": {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]},
    }
]
spoken = [{"role": "user", "content": "A room, please."}]
asked = {"model": "claude-haiku-5-5", "max_tokens": 100, "system": "You are the hotel.", "tools": tools}


def strict(thing):
    """Nothing that the SDK's type does not know, and everything of the right type."""
    type(thing).model_validate(thing.model_dump(), strict=True)
    assert not thing.model_extra, thing.model_extra
    return thing


# Raw events, then the SDK's own way to put them together.
kinds = [strict(event).type for event in client.messages.create(messages=spoken, stream=True, **asked)]
assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"], kinds
with client.messages.stream(messages=spoken, **asked) as stream:
    for _ in stream:
        pass
    wished = stream.get_final_message()
wish = wished.content[-1]
assert wished.stop_reason == "tool_use" and wish.name == "check_availability" and wish.input["nights"] == 2, wished
assert wished.usage.input_tokens == 7 and wished.usage.output_tokens > 1, wished.usage

# The tool's answer, streamed and not.
spoken += [{"role": "assistant", "content": [wish.model_dump(include={"type", "id", "name", "input"})]}]
spoken += [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": wish.id, "content": '{"free":2}'}]}]
with client.messages.stream(messages=spoken, **asked) as stream:
    told = "".join(stream.text_stream)
assert told == "Yes, we have a room for you. Shall I book it?", told
whole = strict(client.messages.create(messages=spoken, **asked))
assert whole.content[0].text == told and whole.stop_reason == "end_turn", whole


def refused(kind, part, key="a-key", **changes):
    try:
        client.with_options(api_key=key).messages.create(**({"messages": spoken} | asked | changes))
    except kind as error:
        assert part in error.body["error"]["message"] and error.request_id, error
    else:
        raise AssertionError(f"{changes} was taken")


refused(anthropic.AuthenticationError, "invalid x-api-key", key="wrong-key")
refused(anthropic.BadRequestError, "roles must alternate", messages=[{"role": "user", "content": "a"}] * 2)
refused(anthropic.BadRequestError, "first message", messages=[{"role": "assistant", "content": "a"}])
refused(anthropic.BadRequestError, "without `tool_result`", messages=spoken[:2])
refused(anthropic.BadRequestError, "tool_use_id", messages=[spoken[0], {"role": "assistant", "content": "a"}, spoken[2]])


def breakfast():
    """A streamed answer: its words go to `said`, also those before a fault."""
    said.clear()
    for event in client.messages.create(messages=[{"role": "user", "content": "breakfast?"}], stream=True, **asked):
        if event.type == "content_block_delta":
            said.append(event.delta.text)


# What goes wrong. The SDK has a class for each refusal, and does not try again here.
said = []
with trouble(page, "too_many", retry_after=7):
    error = raised(anthropic.RateLimitError, breakfast)
assert error.type == "rate_limit_error" and error.response.headers["retry-after"] == "7", error
for status, kind in ((500, "api_error"), (529, "overloaded_error")):
    with trouble(page, "unavailable", status=status):
        error = raised(anthropic.InternalServerError, breakfast)
    assert error.status_code == status and error.type == kind, error
# An error within the stream came with status 200, so only its type tells what it is.
with trouble(page, "error", after=2):
    error = raised(anthropic.APIStatusError, breakfast)
assert error.status_code == 200 and error.type == "overloaded_error" and "".join(said) == "Breakfast is", (error, said)
# For a stream that breaks off the SDK has no class of its own.
with trouble(page, "cut", after=2):
    raised(httpx2.TransportError, breakfast)
assert "".join(said) == "Breakfast is", said
breakfast()
assert "".join(said).endswith("next to the lobby."), said
