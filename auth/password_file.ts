/** The authenticator that reads mosquitto's `password_file`. */
import { ReasonCode } from "../codec/mod.ts";
import type { Authenticator, ClientInfo, ConnectRequest, Decision } from "./authenticator.ts";
import { decodeFile } from "./file_errors.ts";
import { toEnd, toEndInTurns } from "./in_turns.ts";
import { hashPassword, isPassword, type PasswordHash } from "./password_hash.ts";
import { PasswordUsers } from "./password_users.ts";
import { WorkQueue } from "./work_queue.ts";

/** How much work a {@linkcode PasswordFile} may do at once. */
export interface PasswordLimits {
  /** Passwords that are checked at once; by default all processors but one, and at least one. */
  checksMax?: number;
  /** Logins that wait for a check; 1,024 by default. Past it: refused as busy (0x89). */
  waitingMax?: number;
}

/** The default of `waitingMax`. */
const WAITING_MAX = 1024;
/** The default of mosquitto 2.0. Passwords are compared with such a hash if there are no users. */
const USUAL_ITERATIONS = 101;

/**
 * An authenticator with the users of a file in the format of mosquitto's `password_file`. Each user
 * has a line `user:hash`, which `deno task passwd` and mosquitto_passwd write. Reading the file
 * needs the permission `--allow-read`.
 *
 * Passwords are checked on other threads, a few at a time. The time of a check does not reveal
 * whether a user exists.
 *
 * @example Users from a file, and clients without a user name
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { allowAnonymous, firstAuthenticator, PasswordFile } from "@fairway/mqtt/auth";
 *
 * const path = await Deno.makeTempFile();
 * const users = await PasswordFile.open(path);
 * await using broker = new Broker({ authenticator: firstAuthenticator(users, allowAnonymous) });
 * await Deno.remove(path);
 * ```
 */
export class PasswordFile implements Authenticator {
  /** The path of the file, or the name of the text. */
  readonly path: string;
  /** How many logins were refused because too many waited. */
  busy = 0;
  readonly #queue: WorkQueue;
  /** A secret that chooses the hash with which the password of an unknown user is compared. */
  readonly #seed: number = crypto.getRandomValues(new Uint32Array(1))[0]!;
  #users: PasswordUsers;
  #decoy: Promise<PasswordHash> | null = null;
  #reading = 0;

  private constructor(path: string, users: PasswordUsers, limits: PasswordLimits) {
    this.path = path;
    this.#users = users;
    const { checksMax = Math.max(1, navigator.hardwareConcurrency - 1), waitingMax = WAITING_MAX } =
      limits;
    this.#queue = new WorkQueue(checksMax, waitingMax);
  }

  /**
   * Reads a file.
   *
   * @throws {FileFaultError} If a line of it is wrong.
   * @throws If it cannot be read.
   */
  static async open(path: string, limits: PasswordLimits = {}): Promise<PasswordFile> {
    return new PasswordFile(path, await read(path), limits);
  }

  /**
   * Reads the users from a text.
   *
   * @param name The name of the text in messages.
   * @throws {FileFaultError} If a line of it is wrong.
   */
  static parse(text: string, name = "passwords", limits: PasswordLimits = {}): PasswordFile {
    return new PasswordFile(name, toEnd(PasswordUsers.read(text, name)), limits);
  }

  /** How many users there are. */
  get size(): number {
    return this.#users.size;
  }

  /** How many logins wait. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /**
   * Reads the file again. Call `Broker.reauthorize` afterwards to disconnect clients whose user was
   * removed.
   *
   * @throws {FileFaultError} If a line of it is wrong; the users stay as they are.
   * @throws If it cannot be read; the users stay as they are.
   */
  async reload(): Promise<void> {
    const reading = ++this.#reading;
    const users = await read(this.path);
    // A later call has read a newer file.
    if (reading === this.#reading) this.#users = users;
  }

  /**
   * Accepts a client with the right password. Refuses it as busy (0x89) if too many logins wait.
   */
  async authenticate({ username, password }: ConnectRequest): Promise<Decision> {
    if (username === null || password === null) return REFUSED;
    const known = this.#users.get(username);
    const checked = this.#queue.run(async () => {
      const hash = known ?? this.#users.any(this.#numberOf(username)) ?? await this.#usual();
      return await isPassword(password, hash);
    });
    if (checked === null) {
      this.busy++;
      return BUSY;
    }
    return await checked && known !== undefined ? WELCOME : REFUSED;
  }

  /**
   * Whether a client may stay: its user must still be in the file. A client without a user name may
   * stay.
   */
  mayStay({ username }: ClientInfo): boolean {
    return username === null || this.#users.get(username) !== undefined;
  }

  /** The hash for unknown users if there are no users at all. */
  #usual(): Promise<PasswordHash> {
    return this.#decoy ??= hashPassword(new Uint8Array(), "sha512-pbkdf2", USUAL_ITERATIONS);
  }

  /** A number for a name: always the same, and not predictable. */
  #numberOf(username: string): number {
    let hash = this.#seed;
    for (let i = 0; i < username.length; i++) {
      hash = Math.imul(hash ^ username.charCodeAt(i), 0x01000193);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
}

const WELCOME: Decision = { reasonCode: ReasonCode.Success };
const REFUSED: Decision = { reasonCode: ReasonCode.BadUserNameOrPassword };
const BUSY: Decision = { reasonCode: ReasonCode.ServerBusy, reasonString: "Too many logins" };

async function read(path: string): Promise<PasswordUsers> {
  return await toEndInTurns(PasswordUsers.read(decodeFile(path, await Deno.readFile(path)), path));
}
