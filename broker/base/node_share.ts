/** How many subscriptions of a broker belong to other nodes, and so to no client. */

/** The subscriptions of other nodes, while a cluster watches them. */
export class NodeShare {
  /** All of them. */
  subscriptions = 0;
  /** Those in shared groups among them. */
  sharedSubscriptions = 0;

  /** A subscription of a node has come (1) or gone (-1). */
  count(filter: string, by: 1 | -1): void {
    this.subscriptions += by;
    if (filter.startsWith("$share/")) this.sharedSubscriptions += by;
  }
}
