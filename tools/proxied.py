"""A client of an installation that stands behind a reverse proxy, and what must be so for it whichever proxy that is."""

import socket

from installation import Client, Failure, require

# Where the client comes from: an address of this machine that is no proxy's.
CLIENT = "127.0.0.5"
FORGED = "198.51.100.66"


class ThroughProxy(Client):
    """A client at another address, so that proxy and client can be told apart."""

    def connect(self, alpn=None):
        plain = socket.create_connection((self.address, self.port), 30, source_address=(CLIENT, 0))
        if not self.secure:
            return plain
        self.context.set_alpn_protocols(alpn or ["http/1.1"])
        return self.context.wrap_socket(plain, server_hostname=self.host)


def answers(client):
    """Whether the gateway answers through the proxy, which may still be on its way to serve."""
    try:
        return client.call("GET", "/v1/rooms")[0] == 401
    except (Failure, OSError):
        return False


def lie(client, name):
    """What a client says of its address and host is not believed."""
    said = {"x-forwarded-for": FORGED, "x-forwarded-host": "evil.example.org", "x-forwarded-proto": "https"}
    said["forwarded"] = f"for={FORGED};host=evil.example.org;proto=https"
    account = {"login": name, "password": "correct horse battery"}
    client.token = client.ask("POST", "/v1/sessions", account, said)["access_token"]
    mine = [one for one in client.ask("GET", "/v1/sessions")["items"] if one["current"]]
    require(mine[0]["ip"] == CLIENT, f"the session is said to come from {mine[0]['ip']}, not from {CLIENT}")
    ask = {"origin": "https://evil.example.org", "access-control-request-method": "POST"}
    _, granted, _ = client.call("OPTIONS", "/v1/rooms", None, said | ask)
    require("access-control-allow-origin" not in granted, "a forged X-Forwarded-Host lets a foreign page in")


def hear(open_socket, text):
    """Reads frames until a message says this."""
    while open_socket.wait_for("event", event="message.posted")["data"]["body"] != text:
        pass
