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
#: The same where it needs a token: one more sees that it does.
STEPS_WITH_TOKEN = 16

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
        steps = STEPS if transport.startswith("stdio") else STEPS_WITH_TOKEN
        print(f"{client:10} {transport:14} {passed:3} of {steps} passed")
        if len(found) != steps:
            failures.append(f"{client} {transport}: {len(found)} of {steps} steps were reported")
print("\n".join(failures))
sys.exit(bool(failures))
