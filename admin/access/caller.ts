/** The sender of a request to the admin listener, and its scope. */

/** What a caller may do: read, or read and change. */
export type Scope = "read" | "write";

/** The sender of a request. */
export interface Caller {
  /** The name of the token or of the account; `""` for an unknown caller. */
  readonly name: string;
  /** `null` for a caller without any right. */
  readonly scope: Scope | null;
  /** The address of the caller. */
  readonly address: string;
}

/** Whether the scope of a caller includes another scope. */
export function mayDo({ scope }: Caller, needed: Scope | null): boolean {
  return needed === null || scope === "write" || scope === needed;
}
