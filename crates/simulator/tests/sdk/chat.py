"""OpenAI's SDK against the simulated chat completions: argument 1 is the base address, 2 where trouble is ordered."""

import json
import sys

import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from trouble import raised, trouble

base, page = sys.argv[1:3]
client = openai.OpenAI(base_url=base, api_key="a-key", max_retries=0)
tools = [
    {
        "type": "function",
        "function": {
            "name": "check_availability",
            "description": "Looks for free rooms.",
            "parameters": {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]},
        },
    }
]
spoken = [{"role": "system", "content": "You are the hotel."}, {"role": "user", "content": "A room, please."}]


def strict(thing, kind):
    """Nothing that the SDK's type does not know, and everything of the right type."""
    kind.model_validate(thing.model_dump(), strict=True)
    assert not thing.model_extra, thing.model_extra
    return thing


# Streamed, with a tool.
pieces, last = [], None
for chunk in client.chat.completions.create(
    model="gpt-4.1", messages=spoken, tools=tools, stream=True, stream_options={"include_usage": True}
):
    last = strict(chunk, ChatCompletionChunk)
    pieces += [piece for choice in chunk.choices for piece in choice.delta.tool_calls or []]
assert last.choices == [] and last.usage.completion_tokens > 1 and last.usage.prompt_tokens == 7, last
wish = pieces[0]
assert wish.id and wish.function.name == "check_availability", wish
arguments = "".join(piece.function.arguments for piece in pieces)
assert json.loads(arguments)["nights"] == 2, arguments

# The SDK's own way to put a stream together.
with client.chat.completions.stream(model="gpt-4.1", messages=spoken, tools=tools) as stream:
    for _ in stream:
        pass
    final = stream.get_final_completion()
assert final.choices[0].finish_reason == "tool_calls" and final.choices[0].message.tool_calls[0].id, final

# Not streamed, and the tool's answer.
whole = strict(client.chat.completions.create(model="gpt-4.1", messages=spoken, tools=tools), ChatCompletion)
message = whole.choices[0].message
spoken += [message.model_dump(exclude_none=True)]
spoken += [{"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"free":2}'}]
told = strict(client.chat.completions.create(model="gpt-4.1", messages=spoken, tools=tools), ChatCompletion)
assert told.choices[0].message.content == "Yes, we have a room for you. Shall I book it?", told
assert told.choices[0].finish_reason == "stop" and told.usage.total_tokens > told.usage.prompt_tokens

# Models, and Azure's address.
assert "gpt-4.1" in [model.id for model in client.models.list()]
azure = openai.AzureOpenAI(
    azure_endpoint=base.removesuffix("/openai/v1"), api_key="a-key", api_version="2024-10-21", max_retries=0
)
hello = azure.chat.completions.create(model="our-deployment", messages=[{"role": "user", "content": "hello"}])
assert "How can I help" in hello.choices[0].message.content, hello


def refused(kind, code, **changes):
    request = {"model": "gpt-4.1", "messages": spoken, "tools": tools} | changes
    key = request.pop("key", "a-key")
    try:
        client.with_options(api_key=key).chat.completions.create(**request)
    except kind as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"{changes} was taken")


refused(openai.AuthenticationError, "invalid_api_key", key="wrong-key")
refused(openai.BadRequestError, "invalid_value", messages=[{"role": "caller", "content": "hello"}])
refused(openai.BadRequestError, None, messages=[{"role": "tool", "tool_call_id": "x", "content": "{}"}])
refused(openai.BadRequestError, "unsupported_value", model="o4-mini", temperature=0.5)
bad = [{"type": "function", "function": {"name": "x", "parameters": {"type": "object", "properties": {"a": {"type": "date"}}}}}]
refused(openai.BadRequestError, "invalid_function_parameters", tools=bad)
refused(openai.NotFoundError, "model_not_found", model="no-such-model")


def breakfast():
    """A streamed answer: its words go to `said`, also those before a fault."""
    said.clear()
    for chunk in client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "breakfast?"}], stream=True):
        said.extend(choice.delta.content or "" for choice in chunk.choices)


# What goes wrong. The SDK has a class for each, and does not try again here.
said = []
with trouble(page, "too_many", retry_after=7):
    error = raised(openai.RateLimitError, breakfast)
assert error.code == "rate_limit_exceeded" and error.response.headers["retry-after"] == "7", error
for status in (500, 503):
    with trouble(page, "unavailable", status=status):
        error = raised(openai.InternalServerError, breakfast)
    assert error.status_code == status and error.type == "server_error", error
with trouble(page, "error", after=2):
    error = raised(openai.APIError, breakfast)
assert type(error) is openai.APIError and error.type == "server_error" and "".join(said) == "Breakfast is", (error, said)
with trouble(page, "cut", after=2):
    raised(openai.APIConnectionError, breakfast)
assert "".join(said) == "Breakfast is", said
breakfast()
assert "".join(said).endswith("next to the lobby."), said
