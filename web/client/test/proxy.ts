/** What stands between a client and its server, and can misbehave. */
import { createServer, connect as tcp, type AddressInfo, type Server as TcpServer, type Socket as TcpSocket } from "node:net";

/** Passes bytes on, until told otherwise. */
export class Proxy {
  /** Refuses what comes. */
  down = false;
  /** Swallows what the server says: requests arrive, answers do not. */
  mute = false;
  readonly #pairs = new Set<[TcpSocket, TcpSocket]>();
  /** Connections that neither carry anything nor end. */
  readonly #lost = new Set<[TcpSocket, TcpSocket]>();
  readonly #server: TcpServer;
  #closing = false;

  private constructor(server: TcpServer) {
    this.#server = server;
  }

  static async to(port: number): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server);
    server.on("connection", (client) => {
      client.on("error", () => undefined);
      if (proxy.down) return void client.destroy();
      const upstream = tcp(port, "127.0.0.1");
      const pair: [TcpSocket, TcpSocket] = [client, upstream];
      proxy.#pairs.add(pair);
      upstream.on("error", () => client.destroy());
      upstream.on("data", (data) => proxy.mute || proxy.#lost.has(pair) || client.write(data));
      client.on("data", (data) => proxy.#lost.has(pair) || upstream.write(data));
      const end = () => {
        // The end of one that was lost is not heard of by the other side either.
        if (proxy.#lost.has(pair) && !proxy.#closing) return;
        proxy.#pairs.delete(pair);
        proxy.#lost.delete(pair);
        client.destroy();
        upstream.destroy();
      };
      client.on("close", end);
      upstream.on("close", end);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }

  /** Every connection there is dies without a word to either side; new ones are passed on. */
  lose(): void {
    for (const pair of this.#pairs) this.#lost.add(pair);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
