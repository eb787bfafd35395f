"""A double of a Qdrant server, for tests. It is NOT a Qdrant server.

It answers Qdrant's gRPC protocol out of the local mode of the official Python
client (PyPI `qdrant-client`), which the Qdrant team keeps congruent with the
server; or, with `--engine edge`, out of the engine that a server runs for each
shard (PyPI `qdrant-edge-py`). What it cannot do is listed in the README beside
this file. The truth is a real server, and the same tests run on one when
`QDRANT_TEST_URL` names it.

Prints `LISTENING 127.0.0.1:<port>` when it is ready. SIGUSR1 makes it refuse
all writes, SIGUSR2 accept them again, SIGTERM ends it; with `--path` everything
answered is still there after a SIGKILL.

This file starts it. What is answered is in `collections_service.py` and
`points_service.py`; what is refused or lost on purpose in `gate.py`; where it is
kept in `storage.py`, made fast by `quick.py`, or in `engine.py`.
"""

import argparse
import concurrent.futures
import importlib.metadata
import signal
import threading

import grpc
from qdrant_client import grpc as q

from collections_service import Collections
from gate import Faults, Gate
from points_service import Points
from storage import LocalStorage

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
WORKERS = 8
STOP_GRACE_S = 1


class Health(q.QdrantServicer):
    """Says who answers, so that nobody mistakes the double for a server."""

    def __init__(self, version):
        self.version = version

    def HealthCheck(self, request, context):
        title = "qdrant - vector search engine (double)"
        return q.HealthCheckReply(title=title, version=self.version)


def arguments(given=None):
    """The command line; the switches about faults are explained in `gate.py`."""
    parser = argparse.ArgumentParser(description="A double of a Qdrant server, for tests.")
    add = parser.add_argument
    add("--port", type=int, default=6334, help="0 takes a free one")
    add("--path", help="keep points in this folder; without it, in memory")
    add("--engine", choices=("local", "edge"), default="local", help="what answers")
    add("--api-key", help="refuse calls without it")
    add("--latency-ms", type=float, default=0, help="wait this long before each call")
    add("--fail-first", type=int, default=0, metavar="N", help="the first N calls are unavailable")
    add("--fail-after", type=int, metavar="N", help="writes are unavailable after N of them")
    add("--die-after", type=int, metavar="N", help="after N writes the next one kills the double")
    add("--lose-replies", type=int, default=0, metavar="N", help="lose N replies to writes")
    add("--version", default=importlib.metadata.version("qdrant-client"), help="the one to claim")
    return parser.parse_args(given)


def open_storage(engine, path):
    if engine == "local":
        return LocalStorage(path)
    # Only who wants it needs to have it.
    from engine import EngineStorage

    return EngineStorage(path)


def serve(args):
    """Starts the server; returns it with its port and its faults."""
    faults = Faults(args.fail_first, args.fail_after, args.die_after, args.lose_replies)
    storage = open_storage(args.engine, args.path)
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(WORKERS),
        interceptors=[Gate(args.api_key, args.latency_ms / 1000, faults)],
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            # Otherwise two doubles could take turns on one port.
            ("grpc.so_reuseport", 0),
        ],
    )
    q.add_QdrantServicer_to_server(Health(args.version), server)
    q.add_CollectionsServicer_to_server(Collections(storage), server)
    q.add_PointsServicer_to_server(Points(storage), server)
    port = server.add_insecure_port(f"127.0.0.1:{args.port}")
    server.start()
    return server, port, faults


def main():
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    server, port, faults = serve(arguments())
    signal.signal(signal.SIGUSR1, lambda *_: faults.refuse_writes(True))
    signal.signal(signal.SIGUSR2, lambda *_: faults.refuse_writes(False))
    print(f"LISTENING 127.0.0.1:{port}", flush=True)
    stopped.wait()
    server.stop(STOP_GRACE_S).wait()


if __name__ == "__main__":
    main()
