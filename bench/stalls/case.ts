/** An action that one client, or many of one owner, can do to a broker with its default limits. */
export interface Case {
  readonly name: string;
  readonly what: string;
  /**
   * Does the preparation, on the case's own broker.
   *
   * @returns Does the measured action, and resolves when it is done.
   */
  prepare(port: number): Promise<() => Promise<void>>;
}

/** The numbers from 0 to `count` - 1. */
export function sequence(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
