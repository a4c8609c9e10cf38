import { assertEquals } from "@std/assert";
import { Broker, type BrokerOptions, type ListenOptions } from "../../mod.ts";
import type { TlsListener, TlsServerOptions } from "../../transport/mod.ts";
import type { Certificates } from "./certificates.ts";
import { Child } from "./child.ts";
import { within } from "./deadline.ts";
import * as packets from "./packets.ts";

/** Time for handshakes and programs, on a machine that has other things to do. */
const DEADLINE_MS = 20_000;

/** What clients have to show, and what else holds for them. */
export type TlsHostOptions =
  & Partial<TlsServerOptions>
  & Pick<ListenOptions, "webSocket" | "policy">;

/** A broker with a listener for TLS, and everything to connect to it. */
export class TlsHost implements AsyncDisposable {
  readonly broker: Broker;
  /** Why connections did not get as far as MQTT. */
  readonly failures: string[] = [];
  #failed: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly internal: unknown[] = [];

  private constructor(
    readonly certificates: Certificates,
    settings: BrokerOptions = {},
  ) {
    this.broker = new Broker({
      ...settings,
      hooks: {
        ...settings.hooks,
        handshakeFailed: (_address, error) => {
          this.failures.push(error instanceof Error ? error.message : String(error));
          this.#failed.resolve();
          this.#failed = Promise.withResolvers();
        },
        failed: (error) => void this.internal.push(error),
      },
    });
  }

  listener!: TlsListener;

  static async start(
    certificates: Certificates,
    options: TlsHostOptions = {},
    settings: BrokerOptions = {},
  ): Promise<TlsHost> {
    const host = new TlsHost(certificates, settings);
    const identity = await certificates.identity("server");
    const { webSocket = false, policy = {}, ...own } = options;
    const tls = { ...identity, ...own };
    host.listener = await host.broker.listen({ port: 0, tls, webSocket, policy });
    return host;
  }

  get port(): number {
    return this.listener.port;
  }

  /** Waits until so many connections have not got as far as MQTT. */
  async failed(count: number): Promise<void> {
    const all = async () => {
      while (this.failures.length < count) await this.#failed.promise;
    };
    await within(() => `${count} failures: ${this.failures.join("; ")}`, all(), DEADLINE_MS);
  }

  /** Connects over TLS and sends CONNECT; tells whether it was let in. */
  async knock(name?: string, hostname = "localhost"): Promise<boolean> {
    let conn: Deno.TlsConn | null = null;
    try {
      conn = await this.dial(name, hostname);
      await conn.write(packets.connect({ clientId: name ?? "nobody" }));
      const answer = new Uint8Array(4);
      const count = await within("an answer", conn.read(answer), DEADLINE_MS);
      return count === 4 && answer[3] === 0;
    } catch {
      // Refused during the handshake, or at the first use after it.
      return false;
    } finally {
      conn?.close();
    }
  }

  async dial(name?: string, hostname = "localhost"): Promise<Deno.TlsConn> {
    const identity = name === undefined
      ? {}
      : { ...await this.certificates.identity(name), keyFormat: "pem" as const };
    const caCerts = [await this.certificates.pem("ca")];
    return await Deno.connectTls({ hostname, port: this.port, caCerts, ...identity });
  }

  /** Whether openssl comes through the handshake. */
  async shakes(...args: string[]): Promise<boolean> {
    return /Cipher is (?!\(NONE\))/.test(await this.shown(...args));
  }

  /** What openssl says that the server shows. */
  async shown(...args: string[]): Promise<string> {
    const { folder } = this.certificates;
    const flags = ["-connect", `127.0.0.1:${this.port}`, "-CAfile", "ca.pem", ...args];
    await using child = new Child("openssl", ["s_client", ...flags], { cwd: folder, input: "" });
    const { stdout, stderr } = await child.outcome(DEADLINE_MS);
    return stdout + stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
    assertEquals(this.internal, []);
  }
}
