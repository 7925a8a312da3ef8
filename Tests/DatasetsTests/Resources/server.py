"""A server for the download tests: prints its port, then answers by path until its input closes.

/ok/NAME        the body, with Range and If-Range honoured
/cut/NAME       as ok, but a request from the beginning ends after half of the body
/ignore/NAME    as cut, but Range is ignored afterwards: the whole body comes with status 200
/changed/NAME   as cut, with another entity tag for each request
/stall/NAME     half of the body, then silence
/silent/NAME    no answer at all
/long/NAME      announces and sends more than the body
/wrong/NAME     a body of the right length with one byte changed
/log            what has been asked so far, one line a request
anything else   404
"""

import http.server
import os
import sys
import threading
import time

BODY = bytes((i * i + 7 * i + i // 251) % 256 for i in range(300_000))
LOG = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        kind = self.path.split("/")[1]
        wanted = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if kind == "log":
            return self.send(200, "\n".join(LOG).encode())
        LOG.append(f"{self.path} {wanted} {condition}")
        self.close_connection = True
        if kind == "silent":
            time.sleep(30)
            return
        if kind not in ("ok", "cut", "ignore", "changed", "stall", "long", "wrong"):
            return self.send(404, b"nothing here")
        body = BODY
        if kind == "wrong":
            body = BODY[:1000] + bytes([BODY[1000] ^ 1]) + BODY[1001:]
        if kind == "long":
            return self.send(200, BODY + b"and more")
        tag = f'"tag-{len(LOG)}"' if kind == "changed" else '"tag"'
        start = 0
        if wanted and kind != "ignore" and (condition is None or condition == tag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        is_short = kind == "stall" or (kind in ("cut", "ignore", "changed") and not wanted)
        self.wfile.write(body[start : len(body) // 2 if is_short else len(body)])
        self.wfile.flush()
        if kind == "stall":
            time.sleep(30)

    def send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
