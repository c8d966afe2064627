"""Asks as a program with OpenAI's SDK would: argument 1 is the base address, 2 that of an Azure resource. The server keeps the requests."""

import sys

import openai

asked = {
    "model": "gpt-4.1",
    "messages": [
        {"role": "system", "content": "You are the hotel."},
        {"role": "user", "content": "A room, please."},
        {
            "role": "assistant",
            "content": "One moment.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "check_availability", "arguments": '{"nights":2}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"free":2}'},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "check_availability",
                "description": "Looks for free rooms.",
                "parameters": {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]},
            },
        }
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "max_completion_tokens": 100,
}
clients = [
    openai.OpenAI(base_url=sys.argv[1], api_key="a-key", max_retries=0),
    openai.AzureOpenAI(azure_endpoint=sys.argv[2], api_key="a-key", api_version="2024-10-21", max_retries=0),
]
for client in clients:
    try:
        client.chat.completions.create(**asked)
    except openai.BadRequestError:
        pass
