"""A collector of traces that is not ours: takes OTLP over HTTP and over gRPC, reads it by OpenTelemetry's own messages,
and appends each span to a file as a line of JSON. Says its two ports, and ends when its input does. With a certificate
and its key both are behind TLS.

    python3 collector.py FILE [CERT KEY]
"""

import gzip
import json
import ssl
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

FILE = open(sys.argv[1], "a", buffering=1, encoding="utf-8")
ONE_AT_A_TIME = threading.Lock()


def plain(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def keep(request, via):
    with ONE_AT_A_TIME:
        for group in request.resource_spans:
            resource = plain(group.resource.attributes)
            for span in (span for scope in group.scope_spans for span in scope.spans):
                line = {
                    "via": via,
                    "resource": resource,
                    "name": span.name,
                    "kind": span.kind,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "links": [[link.trace_id.hex(), link.span_id.hex()] for link in span.links],
                    "attributes": plain(span.attributes),
                    "nanoseconds": span.end_time_unix_nano - span.start_time_unix_nano,
                }
                FILE.write(json.dumps(line) + "\n")
    return messages.ExportTraceServiceResponse()


class Calls(service.TraceServiceServicer):
    def Export(self, request, context):
        return keep(request, "grpc")


class Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        fits = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
        answer = b""
        if fits:
            answer = keep(messages.ExportTraceServiceRequest.FromString(body), "http").SerializeToString()
        self.send_response(200 if fits else 404)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


calls = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
service.add_TraceServiceServicer_to_server(Calls(), calls)
requests = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
if len(sys.argv) > 2:
    cert, key = sys.argv[2:]
    pair = (Path(key).read_bytes(), Path(cert).read_bytes())
    grpc_port = calls.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    requests.socket = context.wrap_socket(requests.socket, server_side=True)
else:
    grpc_port = calls.add_insecure_port("127.0.0.1:0")
calls.start()
threading.Thread(target=requests.serve_forever, daemon=True).start()
print(requests.server_address[1], grpc_port, flush=True)
sys.stdin.read()
calls.stop(None)
