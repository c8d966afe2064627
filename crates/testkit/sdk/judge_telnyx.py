"""Telnyx's own library judges what we sign.

Reads JSON from stdin, one object or a list of them, and prints the verdicts as JSON in the same shape. Each object has a "mode":

  verify   {"body", "timestamp", "signature", "public_key", "now"?}
           now: Unix seconds the library is told it is; the machine's clock without.
           -> {"valid": bool, "reason": str | null}
  unwrap   the same, and the body is parsed into the library's event type
           -> {"valid": bool, "reason": str | null, "event_type": str | null}
  sign     {"body", "timestamp", "seed"}, seed: 64 hex digits -> {"signature": str, "public_key": str}
           Made with PyNaCl, which the library verifies with: it has no signing side of its own.

A case that cannot be judged gives {"error": str}. Exit code 0 whenever every case was judged, 1 otherwise.
"""

import base64
import json
import sys
from unittest import mock

import telnyx
from nacl.signing import SigningKey
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from telnyx.lib.webhooks_ed25519 import unwrap_with_ed25519


def headers(case):
    return {"Telnyx-Signature-Ed25519": case["signature"], "Telnyx-Timestamp": str(case["timestamp"])}


def at(case):
    """The clock the library looks at."""
    if "now" not in case:
        return mock.MagicMock()
    return mock.patch("telnyx.lib.webhook_verification.time.time", return_value=case["now"])


def verify(case):
    try:
        with at(case):
            verify_webhook_signature(case["body"], headers(case), case["public_key"])
    except WebhookVerificationError as refusal:
        return {"valid": False, "reason": str(refusal)}
    return {"valid": True, "reason": None}


def unwrap(case):
    client = telnyx.Telnyx(api_key="unused", public_key=case["public_key"])
    try:
        with at(case):
            event = unwrap_with_ed25519(client, case["body"], headers(case))
    except WebhookVerificationError as refusal:
        return {"valid": False, "reason": str(refusal), "event_type": None}
    return {"valid": True, "reason": None, "event_type": event.data.event_type}


def sign(case):
    key = SigningKey(bytes.fromhex(case["seed"]))
    signature = key.sign(f"{case['timestamp']}|{case['body']}".encode()).signature
    return {
        "signature": base64.b64encode(signature).decode(),
        "public_key": base64.b64encode(key.verify_key.encode()).decode(),
    }


MODES = {"verify": verify, "unwrap": unwrap, "sign": sign}


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
