/** The tree of topics as the page knows it: filled by the lines of the live view. */

/** The topics that were seen, and their rates. */
export class TopicModel {
  nodes = new Map();
  #atMs = 0;

  /** The root; `null` before the first line. */
  get root() {
    return this.nodes.get(0) ?? null;
  }

  /** Begins anew: everything is told again. */
  clear() {
    this.nodes.clear();
  }

  /** Takes nodes as the server tells them. */
  take(nodes, nowMs = performance.now()) {
    for (const [id, parentId, name, total, messages, bytes, other, retain, preview] of nodes) {
      const known = this.nodes.get(id);
      const node = known ?? this.#add(id, parentId, name);
      if (known !== undefined && this.#atMs > 0) {
        const seconds = Math.max(0.5, (nowMs - node.changedMs) / 1000);
        node.rate = (total - node.total) / Math.min(seconds, 30);
      }
      Object.assign(node, { total, messages, bytes, other, isRetained: retain === 1, preview });
      node.changedMs = nowMs;
    }
    this.#atMs = nowMs;
  }

  /** Lets the rates of those go down that nothing is told about. */
  settle(nowMs = performance.now()) {
    for (const node of this.nodes.values()) {
      if (node.rate > 0 && nowMs - node.changedMs > 2500) node.rate = 0;
    }
  }

  /**
   * The rows that are shown: the children of open nodes, in alphabetical order. With a text, the
   * topics that contain it, and what leads to them.
   */
  rows(open, text = "") {
    const rows = [];
    const wanted = text.toLowerCase();
    const isMeant = wanted === "" ? () => true : meaning(wanted);
    const walk = (node, depth) => {
      for (const child of sorted(node)) {
        if (!isMeant(child)) continue;
        const hasChildren = child.children.size > 0;
        const isOpen = hasChildren && (open.has(child.id) || wanted !== "");
        rows.push({ node: child, depth, hasChildren, isOpen });
        if (isOpen) walk(child, depth + 1);
      }
    };
    if (this.root !== null) walk(this.root, 0);
    return rows;
  }

  #add(id, parentId, name) {
    const parent = parentId === null ? null : this.nodes.get(parentId);
    const topic = !parent || parent.id === 0 ? name : `${parent.topic}/${name}`;
    const node = { id, parent, name, topic, children: new Map(), rate: 0, order: null };
    this.nodes.set(id, node);
    if (parent) {
      parent.children.set(name, node);
      parent.order = null;
    }
    return node;
  }
}

/** The children of a node in alphabetical order; it is remembered until there are others. */
function sorted(node) {
  node.order ??= [...node.children.values()].sort((a, b) =>
    a.name.localeCompare(b.name, "en", { numeric: true })
  );
  return node.order;
}

/** Tells whether a node, or one below, has a text in its topic. */
function meaning(wanted) {
  const known = new Map();
  const isMeant = (node) => {
    let answer = known.get(node.id);
    if (answer === undefined) {
      answer = node.topic.toLowerCase().includes(wanted) ||
        [...node.children.values()].some(isMeant);
      known.set(node.id, answer);
    }
    return answer;
  };
  return isMeant;
}
