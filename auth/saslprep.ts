/** Prepares user names and passwords for SCRAM (SASLprep, RFC 4013). */

/** Spaces other than U+0020, which become it (RFC 3454, C.1.2). */
const OTHER_SPACES_REGEXP = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** Characters that are removed (RFC 3454, B.1). */
const LEFT_OUT_REGEXP = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/gu;
/** Control characters, private use, surrogates, non-characters and the like (RFC 3454, C.2 to C.9). */
const PROHIBITED_REGEXP =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u206a-\u206f\ufff9-\ufffd\u2ff0-\u2ffb\u0340\u0341\u200e\u200f\u202a-\u202e\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;
/** Text that SASLprep does not change. */
const PLAIN_REGEXP = /^[\x20-\x7e]*$/;

/**
 * Prepares a user name or password for SCRAM by SASLprep (RFC 4013), so that texts that look the
 * same are the same.
 *
 * It maps, normalises (NFKC) and prohibits characters. It does not check bidirectional text, and
 * accepts characters that are newer than Unicode 3.2, which RFC 4013 refuses.
 *
 * @returns The prepared text, or `null` if it is not allowed.
 */
export function saslprep(text: string): string | null {
  if (PLAIN_REGEXP.test(text)) return text;
  const mapped = text.replace(OTHER_SPACES_REGEXP, " ").replace(LEFT_OUT_REGEXP, "");
  const normal = mapped.normalize("NFKC");
  return PROHIBITED_REGEXP.test(normal) ? null : normal;
}
