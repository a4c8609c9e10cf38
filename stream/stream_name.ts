/** Checks the name of a stream. */

/** The valid names. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Describes the fault of an invalid stream name; `null` if the name is valid. */
export function streamNameFault(name: string): string | null {
  if (NAME.test(name)) return null;
  return "a stream's name has 1 to 64 of the characters A-Z a-z 0-9 _ . -";
}
