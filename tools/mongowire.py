"""As much of MongoDB's protocol as the checks need: one command, one answer. Standard library only.

https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ (OP_MSG), https://bsonspec.org/spec.html
"""

import socket
import struct

OP_MSG = 2013


def encode(document):
    """A document of texts, whole numbers, documents and lists as BSON."""
    body = b"".join(element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def element(name, value):
    key = name.encode() + b"\0"
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\x02" + key + struct.pack("<i", len(text)) + text
    if isinstance(value, int):
        return b"\x10" + key + struct.pack("<i", value)
    if isinstance(value, list):
        return b"\x04" + key + encode({str(place): one for place, one in enumerate(value)})
    return b"\x03" + key + encode(value)


def command(port, document):
    """Sends a command to the mongod at a port of this machine; its answer as the bytes of a document."""
    message = struct.pack("<I", 0) + b"\0" + encode(document | {"$db": "admin"})
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(struct.pack("<iiii", len(message) + 16, 1, 0, OP_MSG) + message)
        source = connection.makefile("rb")
        size = struct.unpack("<i", source.read(4))[0]
        return source.read(size - 4)[17:]


def succeeded(answer):
    """Whether an answer says `ok: 1`, which is a double or a number."""
    return b"\x01ok\0" + struct.pack("<d", 1) in answer or b"\x10ok\0" + struct.pack("<i", 1) in answer
