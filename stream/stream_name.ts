/** Checks the name of a stream. */

/** What a stream's name may be. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Says what is wrong with the name of a stream; `null` if nothing is. */
export function streamNameFault(name: string): string | null {
  if (NAME.test(name)) return null;
  return "a stream's name has 1 to 64 of the characters A-Z a-z 0-9 _ . -";
}
