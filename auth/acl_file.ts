/** The authorizer that reads mosquitto's `acl_file`. */
import { AclRules } from "./acl_rules.ts";
import { AclAccess } from "./acl_trie.ts";
import type { ClientInfo } from "./authenticator.ts";
import type { Authorizer, PublishRequest } from "./authorizer.ts";
import { decodeFile } from "./file_errors.ts";

/**
 * An authorizer with the rules of a file in the format of mosquitto's `acl_file`:
 *
 * ```text
 * # Until the first user: clients without a user name.
 * topic read news/#
 *
 * user ann
 * topic readwrite home/#
 * topic deny home/safe
 *
 * # Everybody: %u is the user name, %c the client identifier.
 * pattern write devices/%c/out
 * pattern read devices/%c/in
 * ```
 *
 * As in mosquitto, every client may subscribe to every filter, and receives what it may read. What
 * no rule allows is denied.
 *
 * @example Rules of a program's own
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { AclFile } from "@fairway/mqtt/auth";
 *
 * await using broker = new Broker({ authorizer: AclFile.parse("pattern readwrite %u/#") });
 * ```
 */
export class AclFile implements Authorizer {
  /** The path of the file, or the name of the text. */
  readonly path: string;
  #rules: AclRules;
  #reading = 0;

  private constructor(path: string, rules: AclRules) {
    this.path = path;
    this.#rules = rules;
  }

  /**
   * Reads a file.
   *
   * @throws {FileFaultError} If a line of it is wrong.
   * @throws If it cannot be read.
   */
  static async open(path: string): Promise<AclFile> {
    return new AclFile(path, await read(path));
  }

  /**
   * Reads the rules from a text.
   *
   * @param name The name of the text in messages.
   * @throws {FileFaultError} If a line of it is wrong.
   */
  static parse(text: string, name = "acl"): AclFile {
    return new AclFile(name, AclRules.parse(text, name));
  }

  /**
   * Reads the file again. Call `Broker.reauthorize` afterwards to apply the new rules to existing
   * subscriptions.
   *
   * @throws {FileFaultError} If a line of it is wrong; the rules stay as they are.
   * @throws If it cannot be read; the rules stay as they are.
   */
  async reload(): Promise<void> {
    const reading = ++this.#reading;
    const rules = await read(this.path);
    // A later call has read a newer file.
    if (reading === this.#reading) this.#rules = rules;
  }

  /** Whether a client may write to the topic. */
  mayPublish(client: ClientInfo, { topic }: PublishRequest): boolean {
    return this.#rules.allows(client, topic, AclAccess.write);
  }

  /** Always true: the rules apply to what a client receives. */
  maySubscribe(): boolean {
    return true;
  }

  /** Whether a client may read the topic. */
  mayReceive(client: ClientInfo, topic: string): boolean {
    return this.#rules.allows(client, topic, AclAccess.read);
  }
}

async function read(path: string): Promise<AclRules> {
  return await AclRules.parseInTurns(decodeFile(path, await Deno.readFile(path)), path);
}
