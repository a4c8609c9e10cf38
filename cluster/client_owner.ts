/** The node on which a client lives. */

/** The parameters of FNV-1a with 32 bits. */
const OFFSET = 0x811c_9dc5;
const PRIME = 0x0100_0193;

/**
 * The number of the node on which a client lives, of `nodes` nodes. It depends on nothing but the
 * two arguments: every node, and every later version, comes to the same result.
 */
export function ownerOf(clientId: string, nodes: number): number {
  let hash = OFFSET;
  for (let i = 0; i < clientId.length; i++) {
    hash = Math.imul(hash ^ clientId.charCodeAt(i), PRIME);
  }
  // The low bits of FNV alone depend too little on the last characters.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) % nodes;
}
