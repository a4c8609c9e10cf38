/** The consumer groups of one stream. */
import type { Batch } from "../store/batch.ts";
import { type RecordWriter, textKey } from "../store/record.ts";
import { writeGroupRow } from "./group_row.ts";
import { type GroupState, StreamGroup } from "./stream_group.ts";

/** Memory of a pending message and of a group, in bytes. */
const PENDING_BYTES = 150;
const GROUP_BYTES = 500;

/** The groups of one stream, and those among them that must be stored. */
export class StreamGroups {
  readonly #streamId: number;
  readonly #groups = new Map<string, StreamGroup>();
  readonly #onChanged: () => void;
  /** The names of the groups that have changed or were removed since the last write. */
  #dirty = new Set<string>();
  /** The names in the current commit. */
  #written = new Set<string>();

  /** @param onChanged Called when a group must be stored. */
  constructor(streamId: number, stored: readonly GroupState[], onChanged: () => void) {
    this.#streamId = streamId;
    this.#onChanged = onChanged;
    for (const state of stored) this.#groups.set(state.name, this.#group(state));
  }

  /** The number of groups. */
  get size(): number {
    return this.#groups.size;
  }

  /** Memory of the groups, in bytes. */
  get memoryBytes(): number {
    let bytes = this.#groups.size * GROUP_BYTES;
    for (const { size } of this.#groups.values()) bytes += size * PENDING_BYTES;
    return bytes;
  }

  /** The group with a name. */
  get(name: string): StreamGroup | undefined {
    return this.#groups.get(name);
  }

  /**
   * The same.
   *
   * @throws {RangeError} If there is none; says which there are.
   */
  find(name: string): StreamGroup {
    const group = this.#groups.get(name);
    if (group !== undefined) return group;
    const names = [...this.#groups.keys()].join(", ");
    throw new RangeError(
      `There is no group "${name}"; there ${names ? `are: ${names}` : "is none"}`,
    );
  }

  /** All groups. */
  values(): IterableIterator<StreamGroup> {
    return this.#groups.values();
  }

  /** Adds a group with a new name. */
  add(state: GroupState): StreamGroup {
    const group = this.#group(state);
    this.#groups.set(state.name, group);
    group.markChanged();
    return group;
  }

  /** Removes a group. Returns whether there was one. */
  remove(name: string): boolean {
    const group = this.#groups.get(name);
    if (group === undefined) return false;
    this.#groups.delete(name);
    group.distributor?.onEnded();
    this.#touch(name);
    return true;
  }

  /** Removes all groups, because the stream was removed. */
  end(): void {
    for (const group of this.#groups.values()) group.distributor?.onEnded();
    this.#groups.clear();
  }

  /** Adds the rows of groups that have changed to a commit. */
  write(batch: Batch, writer: RecordWriter): void {
    this.#written = this.#dirty;
    this.#dirty = new Set();
    for (const name of this.#written) {
      const key = textKey(this.#streamId, name);
      const group = this.#groups.get(name);
      if (group === undefined) batch.remove("stream_groups", key);
      else {
        writeGroupRow(writer.reset(), group.takeState());
        batch.put("stream_groups", key, writer.bytes);
      }
    }
  }

  /** The commit of the last {@linkcode write} has failed. The next commit writes it again. */
  onWriteFailed(): void {
    for (const name of this.#written) this.#dirty.add(name);
    this.#written = new Set();
  }

  #group(state: GroupState): StreamGroup {
    return new StreamGroup(state, (group) => {
      if (this.#groups.get(group.name) === group) this.#touch(group.name);
    });
  }

  #touch(name: string): void {
    this.#dirty.add(name);
    this.#onChanged();
  }
}
