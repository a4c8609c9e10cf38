import type { MarkedPublish } from "./marked_publish.ts";
import { Follower } from "./follower.ts";
import type { World } from "./world.ts";

/** Every so many messages one is refused, by whoever gets it. */
const REFUSED_EVERY = 41;

/** Whether the members of a group refuse a message. */
export function isRefused(key: number): boolean {
  return key % REFUSED_EVERY === 0;
}

/** What the members of one group have done, all together. */
export class GroupBook {
  readonly name: string;
  /** Whether one member at a time gets everything, in the order of the stream. */
  readonly isExclusive: boolean;
  /** What was answered, although the broker may not have got it. */
  readonly answered = new Set<number>();
  /** What was acknowledged in a commit that is on the disk: since when. */
  readonly committed = new Map<number, number>();
  /** What is among the dead letters: since when that is known. */
  readonly dead = new Map<number, number>();
  deliveries = 0;
  readonly #world: World;

  constructor(world: World, name: string, isExclusive: boolean) {
    this.#world = world;
    this.name = name;
    this.isExclusive = isExclusive;
  }

  /** A member was given a message, on a connection that was opened at `openedAt`. */
  got(clientId: string, { seq }: MarkedPublish, openedAt: number): void {
    this.deliveries++;
    const tell = (why: string) => this.#world.fault(`${clientId}: was given ${seq}, ${why}`);
    // What it was sent before that may still be on its way.
    if ((this.committed.get(seq) ?? Infinity) < openedAt) tell("whose progress was on the disk");
    if ((this.dead.get(seq) ?? Infinity) < openedAt) tell("which was a dead letter already");
  }

  /** What the group has not done, of the messages of a stream; `keys` are theirs. */
  missing(keys: readonly number[]): number[] {
    return keys.map((_, i) => i + 1).filter((seq) =>
      !this.dead.has(seq) && !this.answered.has(seq)
    );
  }
}

/** Reads the stream of dead letters. */
export class DeadLetterReader extends Follower {
  readonly #groups: readonly GroupBook[];
  /** The sequences of each group, and the number of the message that is said to have it. */
  readonly letters: { readonly group: string; readonly seq: number; readonly key: number }[] = [];

  constructor(
    world: World,
    random: ConstructorParameters<typeof Follower>[1],
    clientId: string,
    groups: readonly GroupBook[],
  ) {
    super(world, random, clientId, { stream: "lost", filter: "#" });
    this.#groups = groups;
  }

  protected override got({ key, marks }: MarkedPublish): void {
    const { ledger } = this.world;
    const fault = (text: string) => this.world.fault(`${this.clientId}: #${key} ${text}`);
    const group = this.#groups.find(({ name }) => name === marks.get("dead-group"));
    const seq = Number(marks.get("dead-seq"));
    const reason = marks.get("dead-reason");
    if (group === undefined) return fault(`is of group ${marks.get("dead-group")}`);
    this.letters.push({ group: group.name, seq, key });
    if (group.dead.has(seq)) fault(`(${seq}) is dead twice in ${group.name}`);
    if (group.committed.has(seq)) fault(`(${seq}) is dead, and was acknowledged`);
    if (reason !== "max-deliver" && !(reason === "refused" && isRefused(key))) {
      fault(`is dead because of ${reason}`);
    }
    if (reason === "max-deliver" && Number(marks.get("dead-count")) < 5) {
      fault(`is dead after ${marks.get("dead-count")} deliveries`);
    }
    group.dead.set(seq, ledger.tick());
  }
}
