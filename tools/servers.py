"""The servers beside a real installation: NATS with a user for each service, alone or as three, and MongoDB.

Their configuration is the one of deploy/nats; passwords and ports are made up here. What the services may do, and whether they
work, is for the checks to say.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import mongowire
import natswire
from installation import BINARY, NATS_SERVER, ROOT, TOOLS, Program, environment, free_port, require

MONGOD = Path(os.environ.get("TIDINGS_MONGOD", TOOLS / "bin" / "mongod"))
ACCOUNTS_CONF = ROOT / "deploy" / "nats" / "accounts.conf"
CLUSTER_CONF = ROOT / "deploy" / "nats" / "cluster.conf"
# The users of the configuration, each with the account it belongs to.
ACCOUNTS = {
    "operator": "OPERATOR", "auth-svc": "AUTH", "chat-svc": "CHAT", "projector": "PROJECTOR", "notifier": "NOTIFIER",
    "gateway": "GATEWAY",
}  # fmt: skip


def passwords():
    """What the configuration takes from the environment."""
    return {f"{account}_PASSWORD": f'"secret of {user}"' for user, account in ACCOUNTS.items()}


def address(user, port):
    return f"nats://{user}:secret%20of%20{user}@127.0.0.1:{port}"


def refusals(server):
    """What a nats-server says that it has refused."""
    return [line for line in server.log.read_text().splitlines() if "Violation" in line]


def prepare(url, replicas=1):
    """`tidings prepare-nats`: the names of what it made."""
    command = [BINARY, "prepare-nats", "--json", "--nats-url", url, "--replicas", str(replicas)]
    done = subprocess.run(list(map(str, command)), env=environment(), capture_output=True, text=True, check=False, timeout=120)
    require(done.returncode == 0, f"prepare-nats: {done.stderr}")
    return json.loads(done.stdout)["made"]


class NatsServer(Program):
    """A nats-server with the configuration as it stands in the repository."""

    def __init__(self, folder):
        self.port = free_port()
        values = passwords() | {"NATS_LISTEN": f"127.0.0.1:{self.port}", "NATS_STORE": str(folder / "nats")}
        super().__init__("nats-server", [NATS_SERVER, "-c", ACCOUNTS_CONF], folder, env=os.environ | values)
        self.wait_for_port(self.port)

    def url(self, user):
        return address(user, self.port)

    def connect(self, user):
        return natswire.Connection(self.url(user), 2)

    def refusals(self):
        return refusals(self)


class NatsCluster:
    """Three of them, of which cluster.conf says how they find each other."""

    def __init__(self, folder):
        text, accounts = CLUSTER_CONF.read_text(), ACCOUNTS_CONF.read_text()
        text, found = re.subn(r"^authorization \{.*?^\}$", lambda _: accounts[accounts.index("accounts {") :], text, flags=re.DOTALL | re.MULTILINE)
        require(found == 1, "cluster.conf has no authorization to replace")
        (folder / "cluster.conf").write_text(text)
        self.ports, routes = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
        known = ", ".join(f'"nats://us:route@127.0.0.1:{port}"' for port in routes)
        shared = passwords() | {"NATS_CLUSTER_USER": '"us"', "NATS_CLUSTER_PASSWORD": '"route"', "NATS_ROUTES": f"[{known}]"}
        self.servers = []
        for number, (port, route) in enumerate(zip(self.ports, routes)):
            own = {"NATS_NAME": f"n{number}", "NATS_LISTEN": f"127.0.0.1:{port}", "NATS_CLUSTER_LISTEN": f"127.0.0.1:{route}"}
            own |= {"NATS_MONITOR": f"127.0.0.1:{free_port()}", "NATS_STORE": str(folder / f"nats-{number}")}
            command = [NATS_SERVER, "-c", folder / "cluster.conf"]
            self.servers.append(Program(f"nats-server-{number}", command, folder, env=os.environ | shared | own))
        for server, port in zip(self.servers, self.ports):
            server.wait_for_port(port)

    def url(self, user):
        return ",".join(address(user, port) for port in self.ports)

    def refusals(self):
        return [line for server in self.servers for line in refusals(server)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()


def begin_replica_set(port):
    """Makes a mongod a replica set of one member."""
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    return mongowire.command(port, {"replSetInitiate": {"_id": "rs0", "members": members}})


class MongoDB(Program):
    """A replica set of one member."""

    def __init__(self, folder):
        self.port = free_port()
        (folder / "mongo").mkdir()
        command = [MONGOD, "--replSet", "rs0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--wiredTigerCacheSizeGB", "0.25"]
        super().__init__("mongod", [*command, "--port", self.port, "--dbpath", folder / "mongo"], folder)
        self.wait_for_port(self.port)
        answer = begin_replica_set(self.port)
        require(mongowire.succeeded(answer), f"mongod initiates no replica set: {answer}")

    def url(self):
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0"
