import type { Broker } from "../../mod.ts";
import type { StreamMessage } from "../../stream/mod.ts";
import type { GroupBook } from "./group_book.ts";
import type { World } from "./world.ts";

/** How often it looks how far the groups are, in milliseconds. */
const LOOK_MS = 37;
/** The stream of dead letters. */
export const LOST = "lost";

/** The program, as far as it looks at groups: at their progress, and at the dead letters. */
export class GroupProgram {
  readonly #world: World;
  readonly #books: readonly GroupBook[];
  readonly #stream: string;
  #ending = new AbortController();
  /** How many dead letters it has read. */
  #read = 0;

  constructor(world: World, stream: string, books: readonly GroupBook[]) {
    this.#world = world;
    this.#stream = stream;
    this.#books = books;
  }

  /** A broker is there. */
  start(broker: Broker): void {
    const { signal } = this.#ending = new AbortController();
    this.#readLetters(broker, signal);
    this.#look(broker, signal);
  }

  /** The broker is no more. */
  stop(): void {
    this.#ending.abort();
  }

  async #readLetters(broker: Broker, signal: AbortSignal): Promise<void> {
    const lost = broker.stream(LOST);
    if (lost === null) return;
    try {
      for await (const letter of lost.read({ after: this.#read, signal })) {
        if (signal.aborted) return;
        this.#world.ledger.activity++;
        if (letter.seq !== ++this.#read) {
          this.#world.ledger.fault(`dead letter ${letter.seq} comes where ${this.#read} belongs`);
        }
        this.#gotLetter(letter);
      }
    } catch (error) {
      if (!signal.aborted) this.#world.ledger.fault(`dead letters cannot be read: ${error}`);
    }
  }

  #gotLetter({ topic, payload, properties }: StreamMessage): void {
    const { ledger, clock } = this.#world;
    const marks = new Map(properties.userProperties);
    const seq = Number(marks.get("dead-seq"));
    const reason = marks.get("dead-reason") ?? "";
    const name = marks.get("dead-group");
    ledger.note(() => `dead letter: ${topic} ${JSON.stringify([...marks])}`);
    const book = this.#books.find(({ plan }) => plan.name === name);
    if (book === undefined) return ledger.fault(`a dead letter to ${topic} is of group ${name}`);
    book.letters.push({
      ...{ seq, reason, publication: ledger.publicationOf(payload), seenMs: clock.now() },
      ...{ count: Number(marks.get("dead-count")), crashes: ledger.crashes },
    });
  }

  #look(broker: Broker, signal: AbortSignal): void {
    const { clock, ledger } = this.#world;
    if (signal.aborted || this.#world.isOver) return;
    const stream = broker.stream(this.#stream);
    if (stream === null) return;
    for (const { name, floor, next, pending } of stream.groups()) {
      const book = this.#books.find(({ plan }) => plan.name === name);
      if (book === undefined) ledger.fault(`there is a group ${name}`);
      book?.progress.push({ atMs: clock.now(), floor, crashes: ledger.crashes });
      const isOdd = floor > next || next > stream.last + 1 || pending > next - floor;
      if (isOdd) ledger.fault(`group ${name}: floor ${floor}, next ${next}, pending ${pending}`);
      const all = [...stream.pending(name)].reduce((sum, { messages }) => sum + messages, 0);
      if (all !== pending) ledger.fault(`group ${name} has ${pending} pending, or ${all}`);
    }
    clock.schedule(clock.now() + LOOK_MS, () => this.#look(broker, signal));
  }
}
