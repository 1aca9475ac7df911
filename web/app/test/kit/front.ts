/** The app of a folder before a server: what is worked on can be tested without building the server anew. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { extname, join } from "node:path";

const TYPES: Record<string, string> = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json" };

export interface Front {
  port: number;
  close(): Promise<void>;
}

/** The server allows what stands in the page that is built into it; here it is this page's. */
function allow(headers: IncomingMessage["headers"], page: Buffer | undefined): void {
  const policy = headers["content-security-policy"];
  if (!page || typeof policy !== "string") return;
  const hashes = [...page.toString().matchAll(/<script>([^]*?)<\/script>/g)].map(([, script]) => ` 'sha256-${createHash("sha256").update(script ?? "").digest("base64")}'`);
  headers["content-security-policy"] = policy.replace(/script-src 'self'[^;]*;/, `script-src 'self'${hashes.join("")};`);
}

/** Begins to serve the folder's files; everything else is the server's. */
export async function front(folder: string, server: number): Promise<Front> {
  const pass = (from: IncomingMessage, to: ServerResponse, page?: Buffer) => {
    const onward = request({ host: "127.0.0.1", port: server, method: from.method, path: from.url, headers: page ? { ...from.headers, "accept-encoding": "identity" } : from.headers }, (answer) => {
      const { "content-length": _, ...headers } = answer.headers;
      allow(headers, page);
      if (!page || answer.statusCode !== 200 || !answer.headers["content-type"]?.includes("text/html")) return void answer.pipe(to.writeHead(answer.statusCode ?? 502, answer.headers));
      answer.resume();
      to.writeHead(answer.statusCode ?? 502, headers).end(page);
    });
    onward.on("error", () => to.destroy());
    from.pipe(onward);
  };
  const answer = async (from: IncomingMessage, to: ServerResponse) => {
    const path = new URL(from.url ?? "/", "http://front").pathname;
    if (path.startsWith("/assets/")) {
      const name = join(folder, path);
      const packed = await readFile(`${name}.gz`).catch(() => undefined);
      if (!packed) return void to.writeHead(404).end();
      to.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "content-encoding": "gzip", "cache-control": "public, max-age=31536000, immutable" }).end(packed);
      return;
    }
    const page = from.method === "GET" && !/^\/(v1|media|docs)\b/.test(path) ? await readFile(join(folder, "index.html")) : undefined;
    pass(from, to, page);
  };
  const made = createServer((from, to) => void answer(from, to));
  made.keepAliveTimeout = 75_000;
  made.on("upgrade", (from, socket, head) => {
    const onward = connect(server, "127.0.0.1", () => {
      const headers = from.rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${from.rawHeaders[i + 1]}`] : []));
      onward.write([`${from.method} ${from.url} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) end.on("error", () => undefined).on("close", () => (socket.destroy(), onward.destroy()));
  });
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return { port: (made.address() as AddressInfo).port, close: async () => void (made.closeAllConnections(), made.close()) };
}
