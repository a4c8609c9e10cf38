/** The replica of the accounts on a node that does not own them, and the way to the owner. */
import { followDynamicSecurity } from "../../admin/dynamic_security.ts";
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { SecurityReplica } from "../../auth/dynsec/security_replica.ts";
import type { Broker } from "../../mod.ts";
import { type FromOwner, OWNER, type PostSecurity } from "./security_messages.ts";

/** Takes what the owner tells, and passes commands to it. */
export class SecurityFollower {
  readonly #post: PostSecurity;
  #replica: SecurityReplica | null = null;
  /** Whether a copy has begun since the replica is open. Another one began too early, and is not whole. */
  #isCopying = false;
  /** Resolves when the first copy is complete. */
  readonly #copied = Promise.withResolvers<void>();
  /** Commands that the owner was not heard of yet, by their numbers: one of each client at most. */
  readonly #commands = new Map<string, (isExecuted: boolean) => void>();
  /** An earlier worker of this node had other commands. */
  readonly #epoch = crypto.randomUUID();
  #asks = 0;

  constructor(post: PostSecurity) {
    this.#post = post;
  }

  /** Opens the replica. It resolves when the replica has everything; while the owner does not run, it waits. */
  async open(broker: Broker): Promise<SecurityReplica> {
    this.#replica = followDynamicSecurity(broker, (client, payload) => {
      return this.#execute(client, payload);
    });
    this.#post(OWNER, { kind: "want-copy" });
    await this.#copied.promise;
    return this.#replica;
  }

  /** Takes a message of the owner. */
  receive(message: FromOwner): void {
    const replica = this.#replica;
    switch (message.kind) {
      case "copy-begins":
        replica?.beginCopy();
        this.#isCopying = replica !== null;
        return;
      case "copy-ends":
        if (!this.#isCopying) return;
        this.#isCopying = false;
        void replica!.endCopy();
        return this.#copied.resolve();
      case "take":
        // Without a replica there will be a copy.
        replica?.take(message.rows);
        if (message.id !== null) this.#answer(message.id, []);
        return;
      case "enforce":
        void replica?.enforce(message);
        return;
      case "clients":
        return this.#answer(message.id, replica?.clients(message.username) ?? []);
      case "executed":
        this.#commands.get(message.id)?.(message.isDone);
        this.#commands.delete(message.id);
    }
  }

  /** Another node does not run. */
  onGone(node: number): void {
    if (node !== OWNER) return;
    for (const settle of this.#commands.values()) settle(false);
    this.#commands.clear();
  }

  #answer(id: string, clients: ReturnType<SecurityReplica["clients"]>): void {
    this.#post(OWNER, { kind: "answer", id, clients });
  }

  #execute(
    { clientId, username, address, protocolVersion }: ClientInfo,
    payload: Uint8Array,
  ): Promise<boolean> {
    const id = `${this.#epoch} ${++this.#asks}`;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#commands.set(id, resolve);
    const client = { clientId, username, address, protocolVersion };
    this.#post(OWNER, { kind: "execute", id, client, payload });
    return promise;
  }
}
