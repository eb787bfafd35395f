#!/usr/bin/env python3
"""A stand-in for a deployed server, for test_scripts.sh: on loopback, with a
certificate of its own where one is given. Prints its port.

    server.py MODE [CERTIFICATE KEY]

MODE is `well`; `wakes`, which is well at the third request; `down`, whose store
is away; `open`, which asks nobody for a token; `streams`, whose /sse does;
`redirects` and `plain`, the port of http:// with and without a redirect.
"""

import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = sys.argv[1]
asked = 0


class Server(BaseHTTPRequestHandler):
    def answer(self, status, body=b"{}", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        global asked
        if MODE == "redirects":
            return self.answer(301, Location=f"https://{self.headers['Host']}{self.path}")
        if self.path == "/health":
            asked += 1
            reachable = MODE != "down" and (MODE != "wakes" or asked >= 3)
            body = {"status": "ok" if reachable else "unavailable", "version": "0.1.0", "uptime_s": 7,
                    "store": {"reachable": reachable, "error": None if reachable else "cannot reach it"}}
            return self.answer(200 if reachable else 503, json.dumps(body, separators=(",", ":")).encode())
        if self.path == "/sse" and MODE == "streams":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"event: endpoint\n\n")
            self.wfile.flush()
            # Longer than the script waits, and over when the server is.
            time.sleep(8)
            return None
        return self.answer(200 if MODE == "open" else 401)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
