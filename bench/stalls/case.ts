/** Something that one client, or many of one owner, may do to a broker with its default limits. */
export interface Case {
  readonly name: string;
  readonly what: string;
  /**
   * Does what comes before, at a broker of the case's own.
   *
   * @returns Does what others are to be measured by, and resolves when it is done.
   */
  prepare(port: number): Promise<() => Promise<void>>;
}

/** 0, 1, 2, … as many as `count`. */
export function sequence(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
