"""What fault tests need of the double itself: that it fails as told, and keeps on
disk what it has answered. A real server has no such switches. What is given to
this script is given to every double (`--engine edge`).
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from qdrant_client import models as m

from test_double import IN_A, NAME, connect, count, equal, fill, ids, points, refused, run, sparse

DOUBLE = Path(__file__).with_name("double.py")


@contextmanager
def running(*switches):
    """A double in its own process, and a client of it."""
    command = [sys.executable, "-W", "ignore", str(DOUBLE), "--port", "0", *switches, *sys.argv[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline().rsplit(":", 1)[1])
            client = connect(port)
            yield process, client
            client.close()
        finally:
            process.kill()


def upsert(c, point_id):
    c.upsert(NAME, [m.PointStruct(id=point_id, vector={}, payload={"n": point_id})], wait=True)


def test_the_first_calls_fail():
    with running("--fail-first", "2") as (_, c):
        refused("UNAVAILABLE", c.get_collections)
        refused("UNAVAILABLE", c.get_collections)
        equal(c.get_collections().collections, [])


def test_writes_fail_after_some():
    # Filling it takes three: delete, create, upsert.
    with running("--fail-after", "4") as (_, c):
        fill(c)
        upsert(c, 10)
        refused("UNAVAILABLE", lambda: upsert(c, 11))
        refused("UNAVAILABLE", lambda: c.delete(NAME, [1]))
        equal(count(c), 5)


def test_writes_fail_while_a_signal_says_so():
    with running() as (process, c):
        fill(c)
        process.send_signal(signal.SIGUSR1)
        until(lambda: fails(lambda: upsert(c, 10)))
        equal(count(c), 4)
        process.send_signal(signal.SIGUSR2)
        until(lambda: not fails(lambda: upsert(c, 10)))
        equal(count(c), 5)


def test_a_lost_reply_is_of_a_write_that_was_done():
    with running("--lose-replies", "1") as (_, c):
        refused("UNAVAILABLE", lambda: c.create_collection(NAME, vectors_config={}))
        equal(c.collection_exists(NAME), True)
        upsert(c, 1)


def test_it_dies_before_a_write():
    with tempfile.TemporaryDirectory() as folder:
        with running("--path", folder, "--die-after", "4") as (process, c):
            fill(c)
            upsert(c, 10)
            refused("UNAVAILABLE", lambda: upsert(c, 11))
            equal(process.wait(), -signal.SIGKILL)
        with running("--path", folder) as (_, c):
            equal(count(c), 5)


def test_a_wrong_key_is_refused():
    with running("--api-key", "right") as (_, c):
        refused("UNAUTHENTICATED", c.get_collections)
    os.environ["QDRANT_TEST_API_KEY"] = "right"
    try:
        with running("--api-key", "right") as (_, c):
            equal(c.get_collections().collections, [])
    finally:
        del os.environ["QDRANT_TEST_API_KEY"]


def test_latency():
    with running("--latency-ms", "100") as (_, c):
        began = time.monotonic()
        c.get_collections()
        assert time.monotonic() - began >= 0.1


def test_all_is_there_after_a_kill():
    with tempfile.TemporaryDirectory() as folder:
        with running("--path", folder) as (process, c):
            fill(c)
            c.create_payload_index(NAME, "coll", "keyword")
            c.create_payload_index(NAME, "n", "integer")
            c.set_payload(NAME, {"seen": True}, points=IN_A, wait=True)
            c.delete(NAME, [3], wait=True)
            c.create_collection("other", vectors_config={})
            c.delete_collection("other")
            process.kill()
            # A second one may start before the first one's lock is gone.
            with running("--path", folder) as (_, c):
                equal((count(c), count(c, IN_A)), (3, 2))
                equal([each.name for each in c.get_collections().collections], [NAME])
                equal(sorted(c.get_collection(NAME).payload_schema), ["coll", "n"])
                point = c.retrieve(NAME, [1], with_vectors=True)[0]
                equal((point.payload["seen"], point.vector), (True, points()[0].vector))
                equal(ids(c.query_points(NAME, query=sparse((7, 1)), using="words")), [1])
                page = c.scroll(NAME, order_by="n", scroll_filter=IN_A)[0]
                equal([each.id for each in page], [1, 2])
                upsert(c, 10)
                equal(count(c), 4)


def test_a_kill_leaves_whole_calls():
    """Killed at any time while it writes, a call's points are all there or none."""
    size = 50
    with tempfile.TemporaryDirectory() as folder:
        with running("--path", folder) as (process, c):
            fill(c)
            threading.Timer(0.3, process.kill).start()
            answered = write_until_it_fails(c, size)
        with running("--path", folder) as (_, c):
            kept = count(c) - 4
            equal(kept % size, 0)
            # The call that was being answered may be there as well.
            assert answered <= kept // size <= answered + 1, (kept, answered)


def write_until_it_fails(c, size):
    """How many calls of so many points were answered."""
    for call in range(100_000):
        batch = [
            m.PointStruct(id=1000 + call * size + i, vector={"dense": [1, 0, 0, i]})
            for i in range(size)
        ]
        if fails(lambda batch=batch: c.upsert(NAME, batch, wait=True)):
            return call
    raise AssertionError("it was not killed")


def fails(call):
    try:
        call()
    except Exception:  # noqa: BLE001 - a dying server is noticed in many ways
        return True
    return False


def until(true):
    for _ in range(200):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


if __name__ == "__main__":
    checks = [value for name, value in list(globals().items()) if name.startswith("test_")]
    sys.exit(run(checks, tuple))
