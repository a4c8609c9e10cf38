/** When a session ends whose client stays away. */
import type { Due } from "../base/scheduler.ts";
import type { Session } from "./session.ts";
import type { SessionTable } from "./session_table.ts";

/** The end of a session. There may be a million, so each does without a function of its own. */
export class SessionExpiry implements Due {
  index = -1;
  atMs = 0;
  readonly #table: Pick<SessionTable, "expire">;
  readonly #session: Session;

  constructor(table: Pick<SessionTable, "expire">, session: Session) {
    this.#table = table;
    this.#session = session;
  }

  due(): void {
    this.#table.expire(this.#session);
  }
}
