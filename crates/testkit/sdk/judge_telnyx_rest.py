"""Telnyx's own SDK as a client of a Call Control endpoint: what it sends must be obeyed, what it is answered must have its types.

Reads one JSON object from stdin and prints the verdicts as JSON.

  {"base_url", "api_key", "call": id of a parked call, "stream_url", "events": [body, ...]}
  -> {"alive": [before, after], "results": {action: result}, "repeated": result,
      "ended": {"type", "status", "code"}, "unknown": {...}, "refused": {...}, "applications": [id, ...], "page_size": int,
      "events": [{"type": class name, "id", "occurred_at", "call_control_id", "failure_reason"}, ...]}

Answers are checked strictly against the SDK's types: a missing or wrong field is an error. Exit code 0 when all could be judged.
"""

import json
import sys

import telnyx
from telnyx import types

EVENTS = {
    "call.initiated": types.CallInitiatedWebhookEvent,
    "call.answered": types.CallAnsweredWebhookEvent,
    "call.bridged": types.CallBridgedWebhookEvent,
    "call.hangup": types.CallHangupWebhookEvent,
    "streaming.started": types.CallStreamingStartedWebhookEvent,
    "streaming.failed": types.CallStreamingFailedWebhookEvent,
    "streaming.stopped": types.CallStreamingStoppedWebhookEvent,
}


def failure(call):
    try:
        call()
    except telnyx.APIStatusError as error:
        return {"type": type(error).__name__, "status": error.status_code, "code": error.body["errors"][0]["code"]}
    return {"type": None, "status": None, "code": None}


def event(body):
    """Read by the very type of its event: the SDK's own reader guesses among all of them."""
    given = json.loads(body)
    parsed = EVENTS[given["data"]["event_type"]].model_validate(given)
    payload = parsed.data.payload
    return {
        "type": type(parsed).__name__,
        "id": parsed.data.id,
        "occurred_at": parsed.data.occurred_at.isoformat(),
        "call_control_id": payload.call_control_id,
        "failure_reason": getattr(payload, "failure_reason", None),
    }


def judge(case):
    client = telnyx.Telnyx(
        api_key=case["api_key"], base_url=case["base_url"], max_retries=0, timeout=10, _strict_response_validation=True
    )
    stranger = telnyx.Telnyx(api_key="KEY-wrong", base_url=case["base_url"], max_retries=0, timeout=10)
    call, actions = case["call"], client.calls.actions
    stream = {
        "stream_url": case["stream_url"],
        "stream_track": "inbound_track",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
    }
    verdict = {"alive": [client.calls.retrieve_status(call).data.is_alive], "results": {}}
    applications = client.call_control_applications.list(page_size=1)
    verdict["applications"] = [application.id for application in applications.data]
    verdict["page_size"] = applications.meta.page_size
    results = verdict["results"]
    results["answer"] = actions.answer(call, command_id="one").data.result
    parameters = [{"name": "token", "value": "once"}]
    start = lambda: actions.start_streaming(
        call, command_id="two", client_state="aGVsbG8=", custom_parameters=parameters, stream_bidirectional_sampling_rate=8000, **stream
    ).data.result
    results["streaming_start"] = start()
    verdict["repeated"] = start()
    results["streaming_stop"] = actions.stop_streaming(call, command_id="three").data.result
    results["speak"] = actions.speak(call, payload="Goodbye.", voice="female", language="en-US", command_id="four").data.result
    results["transfer"] = actions.transfer(
        call, to="+15005550009", from_="+15005550010", timeout_secs=30, target_leg_client_state="aGVsbG8=", command_id="six"
    ).data.result
    results["hangup"] = actions.hangup(call, command_id="five").data.result
    verdict["ended"] = failure(lambda: actions.speak(call, payload="Still there?", voice="female"))
    verdict["unknown"] = failure(lambda: actions.hangup("v3:nobody"))
    verdict["refused"] = failure(lambda: stranger.calls.actions.hangup(call))
    verdict["alive"].append(client.calls.retrieve_status(call).data.is_alive)
    verdict["events"] = [event(body) for body in case.get("events", [])]
    return verdict


def main():
    try:
        verdict = judge(json.load(sys.stdin))
    except Exception as error:
        json.dump({"error": f"{type(error).__name__}: {error}"}, sys.stdout)
        return 1
    json.dump(verdict, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
