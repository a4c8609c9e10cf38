/** Dynamic security with a broker that is only written down. */
import type { ClientInfo } from "../../authenticator.ts";
import type { DynamicSecurity } from "../dynamic_security.ts";
import type { AccountChange, SecurityHost } from "../security_host.ts";
import type { AccountRow, AccountStore } from "../rows.ts";

/** A store in memory that can be told to fail. */
export class TestAccountStore implements AccountStore {
  readonly all = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Thrown by the next commits. */
  fault: Error | null = null;
  commits = 0;

  async *rows() {
    await Promise.resolve();
    yield [...this.all].map(([key, value]) => ({ key: Uint8Array.fromHex(key), value }));
  }

  async commit(rows: readonly AccountRow[]): Promise<void> {
    await Promise.resolve();
    if (this.fault !== null) throw this.fault;
    this.commits++;
    for (const { key, value } of rows) {
      if (value === null) this.all.delete(key.toHex());
      else this.all.set(key.toHex(), value);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What happened, in order. */
export class SecurityWorld implements SecurityHost {
  readonly store: TestAccountStore;
  readonly events: string[] = [];
  readonly published: string[] = [];
  readonly changes: AccountChange[] = [];
  readonly failures: unknown[] = [];
  connected: ClientInfo[] = [];
  waits: number[] = [];
  time = 0;

  constructor(store: TestAccountStore = new TestAccountStore()) {
    this.store = store;
  }

  now(): number {
    return this.time;
  }

  wait(ms: number): Promise<void> {
    this.waits.push(ms);
    this.time += ms;
    return Promise.resolve();
  }

  nextTurn(): Promise<void> {
    return Promise.resolve();
  }

  clients(): Iterable<ClientInfo> {
    return this.connected;
  }

  disconnect(clientId: string): void {
    this.events.push(`disconnect ${clientId}`);
  }

  publish(topic: string, text: string): void {
    this.events.push(`publish ${topic}`);
    this.published.push(text);
  }

  onAccessChanged(): void {
    this.events.push("access changed");
  }

  reauthorize(): Promise<void> {
    this.events.push("reauthorize");
    return Promise.resolve();
  }

  onAccountChanged(change: AccountChange): void {
    this.changes.push(change);
  }

  onFailed(error: unknown): void {
    this.failures.push(error);
  }
}

/** A client as an authorizer sees it. */
export function clientOf(username: string | null, clientId: string = "c"): ClientInfo {
  return { clientId, username, address: "127.0.0.1:5", protocolVersion: 5 };
}

/** Sends commands; the answers to them. */
export async function send(
  world: SecurityWorld,
  security: DynamicSecurity,
  ...commands: readonly unknown[]
): Promise<Record<string, unknown>[]> {
  const before = world.published.length;
  const payload = new TextEncoder().encode(JSON.stringify({ commands }));
  await security.handle(clientOf("admin", "ctrl"), payload);
  return JSON.parse(world.published[before]!).responses;
}

/** Sends commands that must all succeed; the data of the last answer. */
export async function mustSend(
  world: SecurityWorld,
  security: DynamicSecurity,
  ...commands: readonly unknown[]
): Promise<Record<string, unknown>> {
  const answers = await send(world, security, ...commands);
  const fault = answers.find(({ error }) => error !== undefined);
  if (fault !== undefined) throw new Error(JSON.stringify(fault));
  return (answers.at(-1)?.data ?? {}) as Record<string, unknown>;
}
