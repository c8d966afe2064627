"""Orders what goes wrong at a simulated vendor, by the simulator's own page."""

import json
import urllib.request
from contextlib import contextmanager


def behave(page, behaviour):
    body = json.dumps(behaviour).encode()
    urllib.request.urlopen(urllib.request.Request(page, body, {"content-type": "application/json"}, method="PUT"), timeout=10).close()


@contextmanager
def trouble(page, kind, **more):
    """Within it every request meets this; after it the vendor has a good day. The kinds are those of the simulator's `Trouble`."""
    behave(page, {"trouble": {"kind": kind, **more}})
    try:
        yield
    finally:
        behave(page, {})


def raised(kind, work):
    """What `work` raises, which must be of this kind."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"{kind} was expected")
