"""As much of NATS's protocol as the checks need: publish, ask, hear refusals. Standard library only.

https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

import json
import secrets
import socket
import urllib.parse


class Refused(Exception):
    """The server refused a permission or the connection; its text is the server's."""


class Connection:
    """A connection to a nats-server by a URL like nats://user:password@127.0.0.1:4222."""

    def __init__(self, url, patience=10):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), patience)
        self.source = self.socket.makefile("rb")
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "py"}
        options |= {"version": "1", "name": "check"}
        if parts.username:
            options |= {"user": urllib.parse.unquote(parts.username)}
            options |= {"pass": urllib.parse.unquote(parts.password or "")}
        self.source.readline()
        self.send(f"CONNECT {json.dumps(options)}")
        self.flush()
        self.inbox = f"_INBOX.{secrets.token_hex(8)}"
        self.subscriptions = 0

    def send(self, line, payload=None):
        data = line.encode() + b"\r\n"
        if payload is not None:
            data += payload + b"\r\n"
        self.socket.sendall(data)

    def flush(self):
        """Waits until the server has seen everything; a refusal of any of it is raised."""
        self.send("PING")
        refusal = None
        while True:
            kind, *rest = self.read()
            if kind == "ERR":
                refusal = rest[0]
            if kind == "END":
                raise Refused(refusal or "the connection was closed")
            if kind == "PONG":
                break
        if refusal:
            raise Refused(refusal)

    def read(self):
        """The next thing the server says: ("MSG", subject, headers, payload), ("ERR", text), ("PONG",), ("END",)."""
        while True:
            try:
                line = self.source.readline()
            except ConnectionError:
                return ("END",)
            words = line.decode().split()
            if not line:
                return ("END",)
            if words[0] == "PING":
                self.send("PONG")
            elif words[0] == "PONG":
                return ("PONG",)
            elif words[0] == "-ERR":
                return ("ERR", line.decode()[4:].strip().strip("'"))
            elif words[0] in ("MSG", "HMSG"):
                data = self.source.read(int(words[-1]) + 2)[:-2]
                split = int(words[-2]) if words[0] == "HMSG" else 0
                return ("MSG", words[1], data[:split].decode(errors="replace"), data[split:])

    def publish(self, subject, payload=b""):
        """Publishes; `Refused` if the user may not."""
        self.send(f"PUB {subject} {len(payload)}", payload)
        self.flush()

    def subscribe(self, subject):
        """Subscribes; `Refused` if the user may not."""
        self.subscriptions += 1
        self.send(f"SUB {subject} {self.subscriptions}")
        self.flush()

    def ask(self, subject, payload=b""):
        """The answer to a request as (headers, payload); `Refused` if the user may not ask, TimeoutError without one."""
        self.subscriptions += 1
        reply = f"{self.inbox}.{self.subscriptions}"
        self.send(f"SUB {reply} {self.subscriptions}")
        self.send(f"PUB {subject} {reply} {len(payload)}", payload)
        # The refusal of a publish comes at once, the answer perhaps later than a PONG: so no flush here.
        while True:
            kind, *rest = self.read()
            if kind == "ERR":
                raise Refused(rest[0])
            if kind == "END":
                raise Refused("the connection was closed")
            if kind == "MSG" and rest[0] == reply:
                return rest[1], rest[2]

    def close(self):
        self.source.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
