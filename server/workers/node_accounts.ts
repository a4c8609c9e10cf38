/** Dynamic security on one node: the first one owns the accounts, the others have replicas. */
import type { DynamicSecurity } from "../../auth/dynsec/dynamic_security.ts";
import type { SecurityInEffect } from "../../auth/dynsec/security_in_effect.ts";
import type { SecurityPeers } from "../../auth/dynsec/security_peers.ts";
import type { Broker } from "../../mod.ts";
import type { AccountsSource } from "../server_surroundings.ts";
import { SecurityFollower } from "./security_follower.ts";
import {
  type FromFollower,
  type FromOwner,
  OWNER,
  type PostSecurity,
  type SecurityMessage,
} from "./security_messages.ts";
import { SecurityOwner } from "./security_owner.ts";

/** The accounts of a node, as its server opens them. */
export class NodeAccounts implements AccountsSource {
  readonly #owner: SecurityOwner | null;
  readonly #follower: SecurityFollower | null;

  constructor(node: number, nodes: number, post: PostSecurity) {
    this.#owner = node === OWNER ? new SecurityOwner(nodes, post) : null;
    this.#follower = node === OWNER ? null : new SecurityFollower(post);
  }

  get peers(): SecurityPeers | null {
    return this.#owner;
  }

  follow(broker: Broker): Promise<SecurityInEffect> | null {
    return this.#follower?.open(broker) ?? null;
  }

  onOpened(security: DynamicSecurity): void {
    this.#owner?.begin(security);
  }

  /** Takes a message of another node. */
  receive(from: number, message: SecurityMessage): void {
    this.#owner?.receive(from, message as FromFollower);
    this.#follower?.receive(message as FromOwner);
  }

  /** Another node does not run. */
  onGone(node: number): void {
    this.#owner?.onGone(node);
    this.#follower?.onGone(node);
  }
}
