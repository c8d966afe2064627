"""Twilio's own library judges what we sign and write.

Reads JSON from stdin, one object or a list of them, and prints the verdicts as JSON in the same shape. Each object has a "mode":

  validate   {"url", "params", "signature", "token", "algorithm"?}
             params: object (values may be lists), list of [name, value], or the raw body as a string for JSON webhooks.
             -> {"valid": bool}
  sign       {"url", "params", "token", "algorithm"?}  -> {"signature": str, "url": str}
             With params as a string the url comes back with bodySHA256 added, as Twilio requests it.
  document   {"xml", "document": {"kind": ..., ...}}
             -> {"same": bool, "ours": tree, "theirs": tree}
             kind: connect_stream {stream_url, parameters: [[name, value]], action_url?, status_callback_url?, fallback?}
                   say_and_hangup {text, language?} | dial {number, caller_id?, say_first?, action_url?, timeout_secs}
                   redirect {url, pause_secs} | play_and_hangup {url} | hangup | reject_busy

A case that cannot be judged gives {"error": str}. Exit code 0 whenever every case was judged, 1 otherwise.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree

from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, Dial, VoiceResponse


class Fields:
    """Form fields that may repeat, in the shape the validator takes from web frameworks."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def __len__(self):
        return len(self.pairs)

    def getall(self, name):
        return [value for field, value in self.pairs if field == name]


def fields(params):
    if params is None or isinstance(params, str):
        return params
    if isinstance(params, list):
        return Fields([(name, value) for name, value in params])
    pairs = []
    for name, value in params.items():
        pairs.extend((name, item) for item in (value if isinstance(value, list) else [value]))
    return Fields(pairs)


def validate(case):
    validator = RequestValidator(case["token"])
    valid = validator.validate(case["url"], fields(case["params"]), case["signature"], case.get("algorithm"))
    return {"valid": bool(valid)}


def sign(case):
    validator = RequestValidator(case["token"])
    url, params = case["url"], fields(case["params"])
    if isinstance(params, str):
        url += ("&" if "?" in url else "?") + "bodySHA256=" + validator.compute_hash(params)
        params = {}
    return {"signature": validator.compute_signature(url, params, case.get("algorithm")), "url": url}


def connect_stream(spec):
    response = VoiceResponse()
    connect = Connect(action=spec.get("action_url"))
    stream = connect.stream(url=spec["stream_url"], status_callback=spec.get("status_callback_url"))
    for name, value in spec.get("parameters", []):
        stream.parameter(name=name, value=value)
    response.append(connect)
    if spec.get("fallback") is not None:
        response.say(spec["fallback"])
        response.hangup()
    return response


def say_and_hangup(spec):
    response = VoiceResponse()
    response.say(spec["text"], language=spec.get("language"))
    response.hangup()
    return response


def dial(spec):
    response = VoiceResponse()
    if spec.get("say_first") is not None:
        response.say(spec["say_first"])
    verb = Dial(action=spec.get("action_url"), caller_id=spec.get("caller_id"), timeout=spec["timeout_secs"])
    verb.number(spec["number"])
    response.append(verb)
    return response


def redirect(spec):
    response = VoiceResponse()
    if spec["pause_secs"]:
        response.pause(length=spec["pause_secs"])
    response.redirect(spec["url"], method="POST")
    return response


def play_and_hangup(spec):
    response = VoiceResponse()
    response.play(spec["url"])
    response.hangup()
    return response


def hangup(_spec):
    response = VoiceResponse()
    response.hangup()
    return response


def reject_busy(_spec):
    response = VoiceResponse()
    response.reject(reason="busy")
    return response


BUILDERS = {
    "connect_stream": connect_stream,
    "say_and_hangup": say_and_hangup,
    "dial": dial,
    "redirect": redirect,
    "play_and_hangup": play_and_hangup,
    "hangup": hangup,
    "reject_busy": reject_busy,
}


def tree(element):
    """An element without regard to attribute order, escapes and empty-element spelling."""
    return [element.tag, dict(sorted(element.attrib.items())), element.text or "", [tree(child) for child in element]]


def document(case):
    spec = case["document"]
    ours = tree(ElementTree.fromstring(case["xml"].encode()))
    theirs = tree(ElementTree.fromstring(BUILDERS[spec["kind"]](spec).to_xml().encode()))
    return {"same": ours == theirs, "ours": ours, "theirs": theirs}


MODES = {"validate": validate, "sign": sign, "document": document}


def judge(case):
    try:
        return MODES[case["mode"]](case)
    except Exception as error:  # every case gets an answer, also a hopeless one
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    given = json.load(sys.stdin)
    verdicts = [judge(case) for case in (given if isinstance(given, list) else [given])]
    json.dump(verdicts if isinstance(given, list) else verdicts[0], sys.stdout)
    print()
    return 1 if any("error" in verdict for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
