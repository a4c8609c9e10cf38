/** Dynamic security as a whole: takes commands, stores changes, and answers. */
import type { Authenticator, ClientInfo } from "../authenticator.ts";
import type { Authorizer } from "../authorizer.ts";
import { WorkQueue } from "../work_queue.ts";
import { AccountLogin } from "./account_login.ts";
import { AccountRules } from "./account_rules.ts";
import { Accounts } from "./accounts.ts";
import type { Affected, CommandContext } from "./command.ts";
import { CommandPace } from "./command_pace.ts";
import { Answers, type CommandAnswer, readMessage, refusal, runCommand } from "./commands.ts";
import { Enforcement } from "./enforcement.ts";
import { importDocument, type ImportedAccounts } from "./import.ts";
import { MESSAGES_WAITING_MAX } from "./limits.ts";
import { type AccountRow, rowsOf, takeRow } from "./rows.ts";
import type { AccountChange, SecurityHost } from "./security_host.ts";
import { CONTROL_TOPIC, RESPONSE_TOPIC } from "./security_in_effect.ts";

/** The answer to every command of a message if the store does not accept the changes. */
export const NOT_STORED = "Nothing was changed: it could not be stored";

/** Rows that are copied at once. */
const COPY_ROWS = 256;
/** The wait before a copy tries again that has found too many commands waiting, in milliseconds. */
const COPY_AGAIN_MS = 100;
/** Steps of a loop between two reads of the clock. */
const STEPS_PER_TURN = 256;

/** Counters of dynamic security. */
export interface SecurityStats {
  /** Commands that were answered, with an error or not. */
  commands: number;
  /** Commands that have changed something, and whose change is stored. */
  changes: number;
  /** Messages with commands that were refused as a whole: unreadable, or too many were waiting. */
  messagesRefused: number;
  /** Messages whose changes could not be stored. */
  commitsFailed: number;
}

/** What takes a copy of all rows. */
export interface RowCopy {
  begin(): void;
  take(rows: readonly AccountRow[]): void;
  end(): void;
}

/**
 * Accounts, groups and roles that administrators change while the broker runs, with the commands of
 * mosquitto's dynamic security. A change is stored before it is answered.
 */
export class DynamicSecurity {
  /** The topic that takes its commands. */
  readonly topic: string = CONTROL_TOPIC;
  /** Accepts clients that have an account. */
  readonly authenticator: Authenticator;
  /** Rows of the store that could not be read. */
  readonly unreadable: number;
  /** Whether it is empty: no row was ever stored. */
  readonly isNew: boolean;
  readonly #accounts: Accounts;
  readonly #host: SecurityHost;
  readonly #pace: CommandPace;
  /** Messages are handled one after the other. */
  readonly #queue = new WorkQueue(1, MESSAGES_WAITING_MAX);
  readonly #stats: SecurityStats = {
    commands: 0,
    changes: 0,
    messagesRefused: 0,
    commitsFailed: 0,
  };
  #steps = 0;
  #isStopped = false;
  readonly #enforcement: Enforcement;

  private constructor(host: SecurityHost, accounts: Accounts, rows: number, unreadable: number) {
    this.#host = host;
    this.#accounts = accounts;
    this.#pace = new CommandPace(host);
    this.#enforcement = new Enforcement(host);
    this.authenticator = new AccountLogin(accounts);
    this.isNew = rows === 0;
    this.unreadable = unreadable;
  }

  /**
   * Reads everything from the store.
   *
   * @throws If the store cannot be read.
   */
  static async open(host: SecurityHost): Promise<DynamicSecurity> {
    const accounts = new Accounts();
    let rows = 0;
    let unreadable = 0;
    for await (const page of host.store?.rows() ?? []) {
      rows += page.length;
      for (const { key, value } of page) if (!takeRow(accounts, key, value)) unreadable++;
      await host.nextTurn();
    }
    accounts.keep();
    return new DynamicSecurity(host, accounts, rows, unreadable);
  }

  /** How many accounts, groups and roles there are. */
  get counts(): { readonly accounts: number; readonly groups: number; readonly roles: number } {
    const { usernames, groupnames, rolenames } = this.#accounts;
    return { accounts: usernames.length, groups: groupnames.length, roles: rolenames.length };
  }

  /**
   * The current state, read-only.
   *
   * @internal
   */
  get state(): Accounts {
    return this.#accounts;
  }

  /** How many messages with commands wait. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** What was done since the start. */
  get stats(): Readonly<SecurityStats> {
    return this.#stats;
  }

  /**
   * An authorizer that allows what roles allow.
   *
   * @param others The rules for clients without an account, and where no ACL matches; by default
   * these are refused.
   */
  authorizer(others: Authorizer | null = null): Authorizer {
    return new AccountRules(this.#accounts, others);
  }

  /**
   * Takes over the file of mosquitto's plugin, into a store that is new.
   *
   * @throws {FieldError} If it is no such file. Then nothing has changed.
   * @throws If it cannot be stored. Then nothing has changed.
   */
  async import(text: string): Promise<ImportedAccounts> {
    try {
      const imported = await importDocument(this.#accounts, text, () => this.#turn());
      // An empty file also counts as imported, and is not read again.
      this.#accounts.setSettings({ ...this.#accounts.settings });
      await this.#commit();
      return imported;
    } catch (error) {
      this.#accounts.undo();
      throw error;
    }
  }

  /** Executes the commands of a message, and publishes the answers. It never rejects. */
  async handle(client: ClientInfo, payload: Uint8Array): Promise<void> {
    if (this.#isStopped) return;
    const commands = readMessage(payload);
    if (!isList(commands)) {
      this.#stats.messagesRefused++;
      return this.#refuse(commands);
    }
    const by = `client ${JSON.stringify(client.clientId)}`;
    const user = client.username === null ? "" : `, user ${JSON.stringify(client.username)}`;
    const done = this.run(commands, by + user);
    if (done === null) return this.#refuse(refusal("Too many commands wait: try again later"));
    await done;
  }

  /**
   * Executes commands in order, and publishes the answers, unless `take` is given. Clients that a
   * change affects are disconnected afterwards.
   *
   * @param by The sender, for the log.
   * @param take Takes the answers.
   * @returns Resolves when they are answered; it never rejects. `null` if too many others wait.
   */
  run(
    commands: readonly unknown[],
    by: string,
    take: (answers: Answers) => void = (answers) => this.#answer(answers),
  ): Promise<void> | null {
    const answered = Promise.withResolvers<void>();
    const done = this.#queue.run(async () => {
      try {
        await this.#pace.take(commands.length);
        const affected = this.#isStopped ? null : await this.#run(commands, by, take);
        answered.resolve();
        if (affected !== null) await this.#enforcement.run(affected);
      } catch (error) {
        this.#host.onFailed(error);
      } finally {
        answered.resolve();
      }
    });
    if (done !== null) return answered.promise;
    this.#stats.messagesRefused++;
    return null;
  }

  /**
   * Copies every row, a few at a time. Meanwhile no command is executed.
   *
   * @internal
   */
  async copy({ begin, take, end }: RowCopy): Promise<void> {
    while (!this.#isStopped) {
      const done = this.#queue.run(async () => {
        begin();
        const all = this.#accounts.all();
        for (let from = 0; from < all.length; from += COPY_ROWS) {
          take(rowsOf(all.slice(from, from + COPY_ROWS)));
          await this.#host.nextTurn();
        }
        end();
      });
      if (done !== null) return await done;
      await this.#host.wait(COPY_AGAIN_MS);
    }
  }

  /** Stops executing commands. Call it before the broker is closed. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Waits for the command in progress, and closes the store. */
  async close(): Promise<void> {
    this.stop();
    await this.#queue.run(() => Promise.resolve());
    await this.#host.store?.close();
  }

  /** The affected clients; `null` for none. */
  async #run(
    commands: readonly unknown[],
    by: string,
    take: (answers: Answers) => void,
  ): Promise<Affected | null> {
    const affected: Affected = { usernames: new Set(), isAnonymous: false, hasChanged: false };
    const context = this.#context(affected);
    const changes: AccountChange[] = [];
    const answers = new Answers();
    try {
      for (const command of commands) {
        const { version } = this.#accounts;
        const answer = await runCommand(context, command);
        this.#stats.commands++;
        answers.add(answer);
        if (this.#accounts.version !== version) changes.push(changeOf(command, answer, by));
        await this.#turn();
      }
      if (changes.length > 0) await this.#commit();
    } catch (error) {
      this.#stats.commitsFailed++;
      this.#accounts.undo();
      this.#host.onAccessChanged();
      this.#host.onFailed(error);
      take(answers.failed(NOT_STORED));
      return null;
    }
    this.#stats.changes += changes.length;
    if (affected.hasChanged) this.#host.onAccessChanged();
    for (const change of changes) this.#host.onAccountChanged(change);
    take(answers);
    if (!affected.hasChanged) return null;
    this.#host.peers?.enforce(affected);
    return affected;
  }

  #context(affected: Affected): CommandContext {
    return {
      accounts: this.#accounts,
      affected,
      addresses: (username) => this.#addresses(username),
      turn: () => this.#turn(),
    };
  }

  #turn(): Promise<void> | null {
    return ++this.#steps % STEPS_PER_TURN === 0 ? this.#host.nextTurn() : null;
  }

  async #addresses(wanted: string | null): Promise<Map<string, string[]>> {
    const addresses = new Map<string, string[]>();
    const add = (username: string, address: string) => {
      const known = addresses.get(username);
      if (known === undefined) addresses.set(username, [address]);
      else known.push(address);
    };
    for (const { username, address } of this.#host.clients()) {
      if (username !== null && (wanted ?? username) === username) add(username, address);
      await this.#turn();
    }
    for (const [username, address] of await this.#host.peers?.clients(wanted) ?? []) {
      add(username, address);
      await this.#turn();
    }
    return addresses;
  }

  async #commit(): Promise<void> {
    if (this.#isStopped) throw new Error("The broker is closing");
    const { settings } = this.#accounts;
    this.#accounts.setSettings({ ...settings, changeIndex: settings.changeIndex + 1 });
    const rows = rowsOf(this.#accounts.changes());
    await this.#host.store?.commit(rows);
    this.#accounts.keep();
    // Before the answer: whoever reads it finds the change on every node.
    await this.#host.peers?.take(rows);
  }

  #answer(answers: Answers): void {
    this.#host.publish(RESPONSE_TOPIC, answers.text);
  }

  #refuse(answer: CommandAnswer): void {
    const answers = new Answers();
    answers.add(answer);
    this.#answer(answers);
  }
}

function isList(value: readonly unknown[] | CommandAnswer): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The fields with the names in a command. */
const NAMES = ["username", "groupname", "rolename", "acltype", "topic"];

function changeOf(command: unknown, answer: CommandAnswer, by: string): AccountChange {
  const names = Object.entries(command as Record<string, unknown>)
    .filter(([name, value]) => NAMES.includes(name.toLowerCase()) && typeof value === "string")
    .map(([, value]) => value as string);
  return { command: answer.command, names, by };
}
