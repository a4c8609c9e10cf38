/** When a session ends whose client stays away. */
import type { Due } from "../base/scheduler.ts";
import type { Session } from "./session.ts";

/** What ends a session. */
export interface SessionEnder {
  /** Ends a session that was away for too long. */
  expire(session: Session): void;
}

/** The end of a session. There may be a million, so each does without a function of its own. */
export class SessionExpiry implements Due {
  index = -1;
  atMs = 0;
  readonly #ender: SessionEnder;
  readonly #session: Session;

  constructor(ender: SessionEnder, session: Session) {
    this.#ender = ender;
    this.#session = session;
  }

  due(): void {
    this.#ender.expire(this.#session);
  }
}
