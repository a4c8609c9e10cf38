/** The accounts of dynamic security on the node that owns them, and the way to their replicas. */
import type { DynamicSecurity } from "../../auth/dynsec/dynamic_security.ts";
import type { AffectedClients } from "../../auth/dynsec/command.ts";
import type { AccountRow } from "../../auth/dynsec/rows.ts";
import type { ConnectedUser, SecurityPeers } from "../../auth/dynsec/security_peers.ts";
import {
  type FromFollower,
  type FromOwner,
  OWNER,
  type PostSecurity,
} from "./security_messages.ts";

/** A message that was not answered yet. */
interface Asked {
  readonly node: number;
  readonly resolve: (clients: readonly ConnectedUser[]) => void;
}

/** Tells the other nodes what changes, and executes their commands. */
export class SecurityOwner implements SecurityPeers {
  readonly #others: readonly number[];
  readonly #post: PostSecurity;
  /** By their numbers: one or none for each node at a time, because commands wait for each other. */
  readonly #asked = new Map<string, Asked>();
  /** Nobody takes the answer to an earlier owner for that to this one. */
  readonly #epoch = crypto.randomUUID();
  #asks = 0;
  #security: DynamicSecurity | null = null;

  constructor(nodes: number, post: PostSecurity) {
    this.#others = Array.from({ length: nodes }, (_, node) => node).filter((n) => n !== OWNER);
    this.#post = post;
  }

  /** The accounts are open: every node that has a replica begins anew with a copy. */
  begin(security: DynamicSecurity): void {
    this.#security = security;
    for (const node of this.#others) void this.#copyTo(node, security);
  }

  async take(rows: readonly AccountRow[]): Promise<void> {
    await this.#askAll((id) => ({ kind: "take", id, rows }));
  }

  enforce({ usernames, isAnonymous }: AffectedClients): void {
    for (const node of this.#others) this.#post(node, { kind: "enforce", usernames, isAnonymous });
  }

  async clients(username: string | null): Promise<readonly ConnectedUser[]> {
    return (await this.#askAll((id) => ({ kind: "clients", id, username }))).flat();
  }

  /** Takes a message of another node. */
  receive(from: number, message: FromFollower): void {
    switch (message.kind) {
      case "want-copy":
        // If the accounts are not open yet, every node gets a copy when they are.
        if (this.#security !== null) void this.#copyTo(from, this.#security);
        return;
      case "answer":
        this.#asked.get(message.id)?.resolve(message.clients);
        this.#asked.delete(message.id);
        return;
      case "execute":
        void this.#execute(from, message);
    }
  }

  /** Another node does not run: nobody waits for it. */
  onGone(node: number): void {
    for (const [id, asked] of this.#asked) {
      if (asked.node !== node) continue;
      this.#asked.delete(id);
      asked.resolve([]);
    }
  }

  async #execute(from: number, message: FromFollower & { kind: "execute" }): Promise<void> {
    const { id, client, payload } = message;
    const isDone = this.#security !== null;
    await this.#security?.handle(client, payload);
    this.#post(from, { kind: "executed", id, isDone });
  }

  async #copyTo(node: number, security: DynamicSecurity): Promise<void> {
    await security.copy({
      begin: () => this.#post(node, { kind: "copy-begins" }),
      take: (rows) => this.#post(node, { kind: "take", id: null, rows }),
      end: () => this.#post(node, { kind: "copy-ends" }),
    });
  }

  #askAll(messageOf: (id: string) => FromOwner): Promise<(readonly ConnectedUser[])[]> {
    return Promise.all(this.#others.map((node) => {
      const id = `${this.#epoch} ${++this.#asks}`;
      const { promise, resolve } = Promise.withResolvers<readonly ConnectedUser[]>();
      this.#asked.set(id, { node, resolve });
      this.#post(node, messageOf(id));
      return promise;
    }));
  }
}
