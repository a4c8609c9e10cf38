/** Keys of maps for strings that peers choose, which cannot slow the map down. */

/**
 * A safe key of a `Map` for a string that a peer has chosen.
 *
 * V8 hashes numeric strings without its secret seed, and adds each new one to a table of its own
 * when it is looked up in a map. A peer that chooses numbers with colliding hashes (such as the
 * multiples of 65,536) makes every lookup take 0.3 ms and more, even if it finds nothing. A string
 * that begins with a digit therefore gets a slash as a prefix. So does one that begins with a
 * slash, so that no two strings share a key. All others are their own keys. Topic levels have their
 * own kind of key: see `ownKey()`.
 *
 * @param text A topic, a filter, a client identifier or the name of a group.
 */
export function mapKey(text: string): string {
  const first = text.charCodeAt(0);
  // The slash is the character before the digits. The code of the empty string is NaN, so it is its
  // own key.
  return first >= 0x2f && first <= 0x39 ? `/${text}` : text;
}
