"""Tries the API of a running server with all that its document allows and forbids (schemathesis).

Reads one JSON object: `document` (its address), `account` (whose sessions must live on), `tokens` (of each operation by its name, `""` for all others),
`known` (by operation: path parameters and body of a request that finds something), `seed`, `examples` (for each operation and phase), `phases`,
`only` or `never` (lists of operations). Prints every fault with the request as a curl line and the answer;
ends with 1 when there was one.
"""

import json
import re
import sys
import zlib
from pathlib import Path

import schemathesis
from schemathesis.cli import schemathesis as command_line
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

RUN = json.load(sys.stdin)

# Of these the caller must not be the target: they would end the session that all other requests are made with.
END_SESSIONS_OF_A_PERSON = {"changeUser", "removeUser", "endUserSession", "endUserSessions", "removeUserSecondFactor", "changeAccount", "removeAccount"}

# What a document cannot say, since it depends on the installation, the hour, or the person: a schema-valid value of these may be refused.
KNOWN_TO_THE_INSTALLATION_ONLY = {
    # Which dialogues, voices, languages and tools there are; whether a dialogue is one; what needs a tier.
    "createAgent": ("/base", "/flow", "/voice", "/language", "/tools", "/greeting", "/system_prompt", "/temperature", "/max_tokens"),
    "changeAgent": ("/base", "/flow", "/voice", "/language", "/tools", "/greeting", "/system_prompt", "/temperature", "/max_tokens"),
    # Which addresses, schemas and headers may be; whether definition and secret go together; names of built-in tools.
    "createTool": ("/name", "/definition", "/secret"),
    "changeTool": ("/name", "/definition", "/secret"),
    # Which agents there are.
    "addPhoneNumber": ("/agent_id",),
    "changePhoneNumber": ("/agent_id",),
    # Who is here already.
    "inviteUser": ("/email",),
    # Must lie in the future.
    "createApiKey": ("/expires_at",),
    # Which zones there are; which accounts there are.
    "createWorkspace": ("/time_zone", "/owner"),
    "changeWorkspace": ("/time_zone",),
    # Must be the same as the other.
    "erasePersonalData": ("/confirmation",),
    # The words of a password that is known to thieves.
    "createFirstAdmin": ("/password",),
    "acceptInvitation": ("/password",),
    "resetPassword": ("/password",),
    "changePassword": ("/password",),
}
# Rules of all texts, which the document says once and not in each schema; whether a mail address is one is said by no pattern.
RULES_OF_TEXTS = ("must not hold control characters", "must not hold the character U+0000", "not only spaces", "must not begin or end with spaces",
                  "must be a mail address")
# A key that was given with another request; a code that is not right: the fields themselves are.
REFUSED_FOR_WHAT_WAS_BEFORE = {"idempotency_key_reused", "bad_code"}


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        tokens = RUN["tokens"]
        return tokens.get(name(case), tokens[""])

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def filter_case(context, case):
    """Leaves the caller's own account alone."""
    own = str((case.path_parameters or {}).get("id")).lower() == RUN["account"]
    return not (own and name(case) in END_SESSIONS_OF_A_PERSON)


@schemathesis.hook
def map_case(context, case):
    """What is valid is asked of what is there, by body half of it: of ids and tickets that are made up, none is ever."""
    phase = case.meta.phase
    about_headers = phase.data.parameter_location == ParameterLocation.HEADER and case.meta.generation.mode.is_negative
    if phase.name == TestPhase.COVERAGE and not about_headers:
        # There schemathesis 4.32 leaves a header that is not of its pattern in requests that are about something else, and all are refused for it.
        patterns = {one.name: one.definition["schema"].get("pattern", "") for one in case.operation.headers}
        for wrong in [key for key, value in case.headers.items() if not re.search(patterns.get(key, ""), str(value))]:
            del case.headers[wrong]
    known = RUN["known"].get(name(case), {}) if case.meta.generation.mode.is_positive else {}
    if "path" in known:
        case.path_parameters = {**case.path_parameters, **known["path"]}
    if "body" in known and zlib.crc32(repr(case.body).encode()) % 2:
        case.body = known["body"]
    return case


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """A schema-valid request that was refused for what no schema can say is no fault of the document."""
    return not (failure.title == "Schema-valid request rejected" and response.status_code == 422 and is_excused(case, response.json()))


@schemathesis.check
def promises_of_every_answer(ctx, response, case):
    """What holds of all answers, whatever the operation."""
    header = lambda name: (response.headers.get(name) or [""])[0]
    status, kind = response.status_code, header("content-type")
    assert header("x-request-id"), "an answer without X-Request-Id"
    assert header("x-content-type-options") == "nosniff", "an answer without X-Content-Type-Options"
    assert status not in (429, 503) or header("retry-after").isdigit(), f"{status} without Retry-After"
    assert status != 401 or header("www-authenticate"), "401 without WWW-Authenticate"
    if status >= 400 and response.request.method != "HEAD":
        assert kind == "application/problem+json", f"{status} as {kind!r}"
        problem = response.json()
        assert (problem["status"], problem["request_id"]) == (status, header("x-request-id")), "a problem that is of another answer"


def is_excused(case, problem):
    places = KNOWN_TO_THE_INSTALLATION_ONLY.get(name(case), ())
    faults = problem.get("errors", [])
    of_place = lambda fault: any(fault["field"] == place or fault["field"].startswith(place + "/") for place in places)
    of_text = lambda fault: any(rule in fault["message"] for rule in RULES_OF_TEXTS)
    return problem["code"] in REFUSED_FOR_WHAT_WAS_BEFORE or (bool(faults) and all(of_place(fault) or of_text(fault) for fault in faults))


def name(case):
    return case.operation.definition.raw["operationId"]


arguments = ["--config-file", str(Path(__file__).with_suffix(".toml")), "run", RUN["document"], "--checks", "all", "--phases", RUN["phases"]]
arguments += ["--seed", str(RUN["seed"]), "--max-examples", str(RUN["examples"])]
for option in ("only", "never"):
    flag = {"only": "--include-operation-id", "never": "--exclude-operation-id"}[option]
    for operation in RUN.get(option, []):
        arguments += [flag, operation]
if RUN.get("har"):
    arguments += ["--report", "har", "--report-har-path", RUN["har"]]
command_line(arguments)
