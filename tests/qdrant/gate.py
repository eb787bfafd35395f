"""What every call passes: the key, the lock, faults on purpose, and the words
for what went wrong. What a call does is left to the services.
"""

import os
import re
import signal
import threading
import time

import grpc

# Calls that change something, by the last part of their method's name.
WRITES = {
    "Create", "Update", "UpdateAliases", "Upsert", "Delete", "UpdateVectors", "DeleteVectors",
    "SetPayload", "OverwritePayload", "DeletePayload", "ClearPayload", "UpdateBatch",
    "CreateFieldIndex", "DeleteFieldIndex", "CreateVectorName", "DeleteVectorName",
}  # fmt: skip


class Refusal(Exception):
    """An answer that is an error, with the status the server gives it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def invalid(message):
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def missing(message):
    return Refusal(grpc.StatusCode.NOT_FOUND, message)


def exists(message):
    return Refusal(grpc.StatusCode.ALREADY_EXISTS, message)


def unavailable(message):
    return Refusal(grpc.StatusCode.UNAVAILABLE, message)


class Faults:
    """What goes wrong on purpose. Only writes are counted, save by `fail_first`:
    how often something is read is the client's affair, and tests that counted
    reads would break whenever it changed.

    `fail_first`    so many calls of any kind are unavailable
    `fail_after`    so many writes succeed, all later ones are unavailable
    `die_after`     so many writes succeed, the next one kills the process
    `lose_replies`  so many writes succeed, but are said to be unavailable
    """

    def __init__(self, fail_first=0, fail_after=None, die_after=None, lose_replies=0):
        self.fail_first = fail_first
        self.fail_after = fail_after
        self.die_after = die_after
        self.lose_replies = lose_replies
        self.refused = False
        self.writes = 0

    def refuse_writes(self, refused):
        self.refused = refused

    def before(self, write):
        """Refuses the call, or dies, before it has done anything."""
        if self.fail_first > 0:
            self.fail_first -= 1
            raise unavailable("fault on purpose: one of the first calls")
        if not write:
            return
        if self.die_after is not None and self.writes >= self.die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.refused or (self.fail_after is not None and self.writes >= self.fail_after):
            raise unavailable("fault on purpose: no writes")
        self.writes += 1

    def after(self, write):
        """Loses the reply of a call that has been done."""
        if write and self.lose_replies > 0:
            self.lose_replies -= 1
            raise unavailable("fault on purpose: the reply was lost")


class Gate(grpc.ServerInterceptor):
    """One call at a time: local mode is not made for threads."""

    def __init__(self, api_key, latency_s, faults):
        self.api_key = api_key
        self.latency_s = latency_s
        self.faults = faults
        self.lock = threading.Lock()

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None:
            return None
        write = details.method.rsplit("/", 1)[-1] in WRITES
        admitted = self.admits(dict(details.invocation_metadata))

        def pass_through(request, context):
            started = time.perf_counter()
            time.sleep(self.latency_s)
            try:
                if not admitted:
                    raise Refusal(
                        grpc.StatusCode.UNAUTHENTICATED,
                        "Must provide an API key or an Authorization bearer token",
                    )
                reply = self.answer(handler.unary_unary, write, request, context)
            except Exception as error:  # noqa: BLE001 - whatever it was, the client must hear it
                refusal = explain(error)
                context.abort(refusal.code, str(refusal))
            if "time" in reply.DESCRIPTOR.fields_by_name:
                reply.time = time.perf_counter() - started
            return reply

        return grpc.unary_unary_rpc_method_handler(
            pass_through,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def admits(self, metadata):
        if self.api_key is None:
            return True
        return (
            metadata.get("api-key") == self.api_key
            or metadata.get("authorization") == f"Bearer {self.api_key}"
        )

    def answer(self, method, write, request, context):
        with self.lock:
            self.faults.before(write)
            reply = method(request, context)
            self.faults.after(write)
            return reply


def explain(error):
    """The server's status for an error of local mode, in about its words."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotImplementedError):
        message = f"the double cannot do this: {error}"
        return Refusal(grpc.StatusCode.UNIMPLEMENTED, message)
    if isinstance(error, KeyError):
        # Local mode's way to say that a point to be changed is not there.
        return missing(f"Not found: No point with id {error.args[0]} found")
    if isinstance(error, (ValueError, AssertionError, TypeError, IndexError)):
        if match := re.fullmatch(r"Collection (.*) not found", str(error)):
            return no_collection(match[1])
        return invalid("Wrong input: " + str(error).removeprefix("Wrong input: "))
    return Refusal(grpc.StatusCode.INTERNAL, f"the double failed: {type(error).__name__}: {error}")


def no_collection(name):
    return missing(f"Not found: Collection `{name}` doesn't exist!")
