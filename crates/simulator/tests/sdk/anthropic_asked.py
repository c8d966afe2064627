"""Asks as a program with Anthropic's SDK would: argument 1 is the base address. The server keeps the request.

The SDK has no temperature any more; that of the version we speak is sent beside."""

import sys

import anthropic

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="a-key", max_retries=0)
asked = {
    "model": "claude-haiku-5-5",
    "max_tokens": 100,
    "system": "You are the hotel.",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "A room, please."}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "One moment."},
                {"type": "tool_use", "id": "call_1", "name": "check_availability", "input": {"nights": 2}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": '{"free":2}'}]},
    ],
    "tools": [
        {
            "name": "check_availability",
            "description": "Looks for free rooms.",
            "input_schema": {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]},
        }
    ],
    "stream": True,
}
try:
    client.messages.create(**asked, extra_body={"temperature": 0.5})
except anthropic.BadRequestError:
    pass
