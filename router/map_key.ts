/**
 * The key under which a `Map` may keep a text that a peer has chosen.
 *
 * V8 hashes a numeral without its secret seed, and enters each new one that a map is asked for in a
 * table of its own. A peer that chooses numerals with colliding hashes (the multiples of 65,536 are)
 * makes every lookup, also one that finds nothing, take 0.3 ms and more. A text that begins with a
 * digit therefore gets a slash in front, as does one that begins with a slash, so that no two texts
 * share a key; all others are their own keys. Levels of topics have a key of their own kind: see
 * `ownKey()`.
 *
 * @param text A topic, a filter, a client identifier, the name of a group.
 */
export function mapKey(text: string): string {
  const first = text.charCodeAt(0);
  // The slash is the character in front of the digits. The empty text has NaN, and so itself.
  return first >= 0x2f && first <= 0x39 ? `/${text}` : text;
}
