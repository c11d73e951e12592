"""What schemathesis is to hold against the server beside its own checks: with HUEDB_EXPECT=refused, every route but the open ones
answers 401 to whoever has no token, whatever else is wrong with the request."""
import json
import os
import re

import schemathesis

OPEN = {"/healthz", "/livez", "/readyz", "/api/v2", "/api/v2/heartbeat", "/api/v2/version", "/openapi.json"}
OPEN |= {"/api/v2/healthcheck", "/api/v2/pre-flight-checks"}


def path_methods(case):
    """The methods that the description has for the path of a request."""
    return {method.lower() for method in case.operation.schema.raw_schema["paths"][case.operation.path]}


if os.environ.get("HUEDB_EXPECT") == "refused":

    @schemathesis.check
    def refused_without_a_token(ctx, response, case):
        """Nothing is done, and nothing told, before a token is."""
        path, status = case.operation.path, response.status_code
        if path in OPEN or path.startswith("/api/v1"):
            return
        # Drawn names may lead to another route, or to none: that is answered before anything is asked.
        drawn = [str(value) for value in (case.path_parameters or {}).values()]
        is_plain = all(re.fullmatch(r"[A-Za-z0-9_-]+", value) for value in drawn)
        allowed = {401} if is_plain and case.method.lower() in path_methods(case) else {400, 401, 404, 405, 413, 431}
        if status not in allowed:
            raise AssertionError(f"{case.method} {path} answered {status} without a token")


@schemathesis.serializer("application/jsonl")
def lines(ctx, value):
    """Rows of an import: JSON a line, or whatever was drawn in their place."""
    if isinstance(value, bytes):
        return value
    rows = value if isinstance(value, list) else [value]
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode("utf-8", "replace")


@schemathesis.deserializer("application/jsonl")
def read_lines(ctx, response):
    """Answers of that kind are JSON a line; where one is not, this fails and so does the pass."""
    return [json.loads(line) for line in response.content.splitlines()]


@schemathesis.deserializer("application/vnd.huedb")
def read_file(ctx, response):
    """A backup is a file, not text."""
    return response.content.decode("latin-1")
