"""What schemathesis does not know of itself: lines of JSON as a body."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")}
