"""Counts what the clients reported: a line for each, then what failed.

Fails when something did, or when a client reported nothing over a transport.
"""

import collections
import sys

#: Every client with the ways it reaches the server.
WAYS = {
    "python-1": ["stdio", "sse", "http"],
    "python-2": ["stdio", "stdio-legacy", "sse", "http", "http-legacy"],
    "node-1": ["stdio", "sse", "http"],
    "node-2": ["stdio", "stdio-legacy", "sse", "http", "http-legacy"],
}
#: How many steps each reports.
STEPS = 15

verdicts = collections.defaultdict(list)
failures = []
for line in sys.stdin:
    verdict, client, transport, name, detail = line.rstrip("\n").split("\t")
    verdicts[client, transport].append(verdict)
    if verdict != "pass":
        failures.append(f"{client} {transport}: {name}: {detail}")

for client, transports in WAYS.items():
    for transport in transports:
        found = verdicts[client, transport]
        passed = found.count("pass")
        print(f"{client:10} {transport:14} {passed:3} of {STEPS} passed")
        if len(found) != STEPS:
            failures.append(f"{client} {transport}: {len(found)} of {STEPS} steps were reported")
print("\n".join(failures))
sys.exit(bool(failures))
