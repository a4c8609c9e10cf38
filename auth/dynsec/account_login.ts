/** The authenticator of dynamic security: accounts with passwords. */
import { ReasonCode } from "../../codec/mod.ts";
import type { Authenticator, ClientInfo, ConnectRequest, Decision } from "../authenticator.ts";
import { hashPassword, isPassword, type PasswordHash } from "../password_hash.ts";
import { WorkQueue } from "../work_queue.ts";
import type { Accounts } from "./accounts.ts";
import type { Account } from "./model.ts";

/** Logins that wait for a check of a password. Past it: refused as busy (0x89). */
const WAITING_MAX = 1024;
/** Unknown names cost as much as an account with a usual hash. */
const USUAL_ITERATIONS = 101;

/**
 * Accepts clients that have an account, by its password. A client without an account is refused as
 * unknown, so that another authenticator may know it.
 */
export class AccountLogin implements Authenticator {
  readonly #accounts: Accounts;
  readonly #queue = new WorkQueue(Math.max(1, navigator.hardwareConcurrency - 1), WAITING_MAX);
  #decoy: Promise<PasswordHash> | null = null;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /**
   * A refusal of a client that has an account is final. A client without an account is refused as
   * unknown.
   */
  async authenticate({ username, password, clientId }: ConnectRequest): Promise<Decision> {
    if (username === null || password === null) return UNKNOWN;
    const checked = this.#queue.run(async () => {
      const hash = this.#accounts.account(username)?.password ?? await this.#usual();
      return await isPassword(password, hash);
    });
    if (checked === null) return BUSY;
    const isRight = await checked;
    // The account may have changed during the check.
    const account = this.#accounts.account(username);
    if (account === undefined) return UNKNOWN;
    const hasPassword = account.password !== null;
    return isRight && hasPassword && mayUse(account, clientId) ? WELCOME : REFUSED;
  }

  /** Whether a client may stay: its account exists, and still accepts it. */
  mayStay({ username, clientId }: ClientInfo): boolean {
    if (username === null) return true;
    const account = this.#accounts.account(username);
    return account !== undefined && mayUse(account, clientId);
  }

  #usual(): Promise<PasswordHash> {
    return this.#decoy ??= hashPassword(new Uint8Array(), "sha512-pbkdf2", USUAL_ITERATIONS);
  }
}

function mayUse(account: Account, clientId: string): boolean {
  return !account.isDisabled && (account.clientId === null || account.clientId === clientId);
}

const WELCOME: Decision = { reasonCode: ReasonCode.Success };
const UNKNOWN: Decision = { reasonCode: ReasonCode.BadUserNameOrPassword };
const REFUSED: Decision = { reasonCode: ReasonCode.NotAuthorized };
const BUSY: Decision = { reasonCode: ReasonCode.ServerBusy, reasonString: "Too many logins" };
