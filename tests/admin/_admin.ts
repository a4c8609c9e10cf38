import type { BrokerOptions } from "../../mod.ts";
import { Broker } from "../../mod.ts";
import type { Store } from "../../store/store.ts";
import { type AdminListener, type AdminOptions, listenAdmin } from "../../admin/mod.ts";

/** A broker with an admin listener, and its HTTP client. */
export class AdminStage implements AsyncDisposable {
  readonly broker: Broker;
  readonly admin: AdminListener;

  private constructor(broker: Broker, admin: AdminListener) {
    this.broker = broker;
    this.admin = admin;
  }

  /** Opens both, on free ports. */
  static async open(
    options: AdminOptions = {},
    broker: BrokerOptions = {},
    store: Store | null = null,
  ): Promise<AdminStage> {
    const made = store === null ? new Broker(broker) : await Broker.open(store, broker);
    return new AdminStage(made, await listenAdmin(made, { port: 0, ...options }));
  }

  /** Where a path is. */
  url(path: string): string {
    return `http://127.0.0.1:${this.admin.port}${path}`;
  }

  /** Sends a request with the token of the listener. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    const { token } = this.admin;
    if (token !== null && !headers.has("authorization")) {
      headers.set("authorization", `Bearer ${token}`);
    }
    return await fetch(this.url(path), { ...init, headers });
  }

  /** The JSON that a request is answered with, whatever its status. */
  // deno-lint-ignore no-explicit-any
  async json(path: string, init: RequestInit = {}): Promise<any> {
    return await (await this.fetch(path, init)).json();
  }

  /** Sends JSON. */
  async send(method: string, path: string, body: unknown = {}): Promise<Response> {
    const headers = { "content-type": "application/json" };
    return await this.fetch(path, { method, headers, body: JSON.stringify(body) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.close();
    await this.broker.close();
  }
}

/** The status of an answer, whose body is read. */
export async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}
