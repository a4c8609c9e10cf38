import { AclRules } from "./acl_rules.ts";
import { AclAccess } from "./acl_trie.ts";
import type { ClientInfo } from "./authenticator.ts";
import type { Authorizer, PublishRequest } from "./authorizer.ts";
import { decodeFile } from "./file_errors.ts";

/**
 * Who may do what, from a file in the form of mosquitto's `acl_file`:
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
 * As in mosquitto, everybody may subscribe to anything, and gets what may be
 * read. What no rule allows is denied.
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
  /** Where the rules come from. */
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
   * Takes the rules from a text.
   *
   * @param name What it is called in messages.
   * @throws {FileFaultError} If a line of it is wrong.
   */
  static parse(text: string, name = "acl"): AclFile {
    return new AclFile(name, AclRules.parse(text, name));
  }

  /**
   * Reads the file again. To have the new rules count for what is subscribed
   * already, call `Broker.reauthorize` then.
   *
   * @throws {FileFaultError} If a line of it is wrong; the rules stay as they are.
   * @throws If it cannot be read; likewise.
   */
  async reload(): Promise<void> {
    const reading = ++this.#reading;
    const rules = await read(this.path);
    // Who began to read later has read what is newer.
    if (reading === this.#reading) this.#rules = rules;
  }

  /** Whether a client may write to the topic. */
  mayPublish(client: ClientInfo, { topic }: PublishRequest): boolean {
    return this.#rules.allows(client, topic, AclAccess.write);
  }

  /** Always: what counts is what it may receive. */
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
