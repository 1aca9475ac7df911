"""A real installation for the checks of what operators are given: dashboards, proxies, NATS users.

It starts the built binary (TIDINGS_BIN, else target/debug/tidings) on a data folder of its own, with a private
nats-server or beside one that is named, and speaks to it over REST and WebSocket as a client does. It knows nothing of
Prometheus or proxies; the checks that use it do. Only the standard library: a fresh machine has Python 3 and nothing
else.
"""

import base64
import json
import os
import secrets
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(os.environ.get("TIDINGS_TOOLS", ROOT / ".tools"))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = Path(os.environ.get("TIDINGS_BIN", TARGET / "debug" / "tidings"))
NATS_SERVER = Path(os.environ.get("TIDINGS_NATS_SERVER", TOOLS / "bin" / "nats-server"))
# Seconds a start, an answer or a condition may take on a busy machine.
PATIENCE = 60
# Limits are off: a check makes more requests than a person.
RELAXED = ["--bcrypt-cost", "4"] + [
    word for limit in ("requests", "frames", "bytes", "auth") for word in (f"--rate-{limit}", "off")
]


class Failure(Exception):
    """What went wrong; its text is the whole message."""


def require(fact, what):
    """A Failure unless it is so."""
    if not fact:
        raise Failure(what)


def until(condition, what, patience=PATIENCE):
    """Waits for a condition to give something true and returns that."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failure(f"waited {patience} s in vain: {what}")
        time.sleep(0.05)


def environment():
    """The environment without settings of Tidings, which belong to the person at the terminal."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}


def free_port():
    """A port nothing listens on, below those the system gives to clients."""
    for _ in range(1000):
        port = 20000 + secrets.randbelow(10000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no free port")


def listens(port):
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return True
    except OSError:
        return False


class Program:
    """A process of ours and the file of what it says; it ends with the `with` block."""

    def __init__(self, name, command, folder, **options):
        self.name = name
        self.log = Path(folder) / f"{name}.log"
        try:
            with self.log.open("ab") as log:
                options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log} | options
                self.process = subprocess.Popen([str(word) for word in command], **options)
        except OSError as error:
            raise Failure(f"{name} did not start: {error}") from error

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def runs(self):
        return self.process.poll() is None

    def wait_for_port(self, port):
        """Until it listens there."""

        def there():
            if not self.runs():
                raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            return listens(port)

        until(there, f"{self.name} listens on {port}")

    def stop(self):
        if self.runs():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Tidings(Program):
    """A `tidings` process. `http`, `admin` are where clients and operators connect."""

    def __init__(self, folder, flags=(), service="serve", name=None):
        if not BINARY.exists():
            raise Failure(f"{BINARY} is missing: cargo build -p tidings, or name another in TIDINGS_BIN")
        flags = list(flags)
        if "--listen" not in flags:
            flags += ["--listen", "127.0.0.1:0"]
        if "--data" not in flags:
            flags += ["--data", str(Path(folder) / "data")]
        keep = environment() | {"TIDINGS_NATS_SERVER": str(NATS_SERVER)}
        command = [BINARY, service, "--log", "info", "--log-format", "json", *RELAXED, *flags]
        super().__init__(name or service, command, folder, stdout=subprocess.PIPE, env=keep, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"tidings {service} did not start:\n{self.tail()}")
        ready = json.loads(line)
        self.http, self.admin = ready["http"], ready["admin"]


class Client:
    """Speaks to an installation as a client does: at `base`, a URL, trusting `ca` if it is https.

    With `host`, the name is in the request although the connection goes to `base`'s address, as if DNS said so.
    """

    def __init__(self, base, ca=None, host=None):
        self.base = base
        parts = urllib.parse.urlsplit(base)
        self.secure, self.port = parts.scheme == "https", parts.port
        self.address = parts.hostname
        self.host = host or self.address
        self.context = ssl.create_default_context(cafile=ca) if self.secure else None
        self.token = None

    def connect(self, alpn=None):
        """A connection, with TLS where the URL says so."""
        plain = socket.create_connection((self.address, self.port), PATIENCE)
        if not self.secure:
            return plain
        if alpn:
            self.context.set_alpn_protocols(alpn)
        return self.context.wrap_socket(plain, server_hostname=self.host)

    def call(self, method, path, body=None, headers=None):
        """One request; (status, headers, body as JSON or None)."""
        data = b"" if body is None else json.dumps(body).encode()
        asked = {"host": f"{self.host}:{self.port}", "connection": "close", "content-length": str(len(data))}
        if body is not None:
            asked["content-type"] = "application/json"
        if self.token:
            asked["authorization"] = f"Bearer {self.token}"
        asked |= headers or {}
        lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in asked.items()]
        with self.connect() as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
            answer = Answer(connection.makefile("rb"))
        return answer.status, answer.headers, answer.json()

    def ask(self, method, path, body=None, headers=None):
        """The same; a Failure unless the status is a success."""
        status, _, answer = self.call(method, path, body, headers)
        if not 200 <= status < 300:
            raise Failure(f"{method} {path} at {self.base}: {status} {answer}")
        return answer

    def register(self, name, password="correct horse battery"):
        """Makes an account and logs in."""
        account = {"username": name, "email": f"{name}@example.org", "password": password}
        self.ask("POST", "/v1/users", account)
        return self.log_in(name, password)

    def log_in(self, name, password="correct horse battery"):
        session = self.ask("POST", "/v1/sessions", {"login": name, "password": password})
        self.token = session["access_token"]
        return session

    def general(self):
        """The id of the room everyone is a member of."""

        def found():
            items = self.ask("GET", "/v1/rooms")["items"]
            return items and items[0]["id"]

        return until(found, "the room general is there")


class Answer:
    """An HTTP answer, read to its end."""

    def __init__(self, source):
        first = source.readline().decode("latin-1").split(" ", 2)
        if len(first) < 2 or not first[1].isdigit():
            raise Failure(f"no HTTP answer: {first}")
        self.status, self.headers = int(first[1]), {}
        for line in iter(source.readline, b"\r\n"):
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.strip().lower()] = value.strip()
        # The 101 of a WebSocket has no body, and its frames must stay unread.
        self.body = b"" if self.status in (101, 204, 304) else self.read(source)

    def read(self, source):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            length = self.headers.get("content-length")
            return source.read(int(length)) if length else source.read()
        parts = []
        while size := int(source.readline().split(b";")[0] or b"0", 16):
            parts.append(source.read(size))
            source.readline()
        return b"".join(parts)

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body.decode(errors="replace") or None


class WebSocket:
    """A WebSocket at /v1/ws; frames are JSON."""

    TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

    def __init__(self, client, origin=None):
        self.connection = client.connect(["http/1.1"])
        self.connection.settimeout(PATIENCE)
        self.source = self.connection.makefile("rb")
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        default = 443 if client.secure else 80
        host = client.host if client.port == default else f"{client.host}:{client.port}"
        lines = ["GET /v1/ws HTTP/1.1", f"host: {host}", "upgrade: websocket", "connection: Upgrade"]
        lines += [f"sec-websocket-key: {key}", "sec-websocket-version: 13"]
        if origin:
            lines.append(f"origin: {origin}")
        self.connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = Answer(self.source)
        if answer.status != 101:
            self.connection.close()
            raise Failure(f"the WebSocket was refused: {answer.status} {answer.json()}")
        self.closed = None

    def send(self, frame):
        self.send_raw(self.TEXT, json.dumps(frame).encode())

    def send_raw(self, opcode, payload):
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        mask = secrets.token_bytes(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.connection.sendall(head + mask + masked)

    def receive(self):
        """The next JSON frame; None when the server closes, then `closed` is the code."""
        while True:
            head = self.source.read(2)
            if len(head) < 2:
                return None
            opcode, size = head[0] & 15, head[1] & 127
            if size == 126:
                size = struct.unpack("!H", self.source.read(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self.source.read(8))[0]
            payload = self.source.read(size)
            if opcode == self.PING:
                self.send_raw(self.PONG, payload)
            elif opcode == self.CLOSE:
                self.closed = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                return None
            elif opcode == self.TEXT:
                return json.loads(payload)

    def wait_for(self, kind, **fields):
        """Reads frames until one of this type with these fields."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            frame = self.receive()
            if frame is None:
                raise Failure(f"the socket was closed with {self.closed} before a {kind}")
            if frame["type"] == kind and all(frame.get(name) == value for name, value in fields.items()):
                return frame
        raise Failure(f"no {kind} {fields} within {PATIENCE} s")

    def wait_for_close(self):
        """Reads frames until the server closes; the code."""
        deadline = time.monotonic() + PATIENCE
        while self.receive():
            if time.monotonic() > deadline:
                raise Failure(f"the server did not close within {PATIENCE} s")
        return self.closed

    def hello(self, token, **fields):
        self.send({"type": "hello", "token": token} | fields)
        return self.wait_for("welcome")

    def close(self):
        self.source.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fetch(url):
    """The text at a plain URL of this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=PATIENCE) as answer:
        return answer.read().decode()


def say(text):
    """Tells the person at the terminal, on standard error."""
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def loudly(text):
    """The same, where something was not tried."""
    for line in ("*" * 72, text, "*" * 72):
        say(line)
