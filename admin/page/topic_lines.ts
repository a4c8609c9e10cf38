/**
 * Nodes of the tree of topics as lines for the page: numbers and names, and for those who may read
 * payloads the beginning of the last one.
 *
 * @module
 */
import type { Steps } from "../time_slices.ts";
import type { TopicNode, TopicTree } from "./topic_tree.ts";

/** Characters that are shown of a payload beside its topic. */
const PREVIEW_CHARACTERS = 80;
/** Nodes of a line. */
const LINE_NODES = 250;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A line that tells of nodes: with previews of payloads, or without. */
export function topicsLine(nodes: readonly TopicNode[], hasPreviews: boolean): string {
  return `${
    JSON.stringify({ event: "topics", nodes: nodes.map((node) => view(node, hasPreviews)) })
  }\n`;
}

/** Lines that tell of a whole tree. */
export function* treeLines(tree: TopicTree, hasPreviews: boolean): Steps<string[]> {
  const lines: string[] = [`${JSON.stringify({ event: "topics-begin" })}\n`];
  for (let at = 0; at < tree.nodes.length; at += LINE_NODES) {
    const views: unknown[] = [];
    for (const node of tree.nodes.slice(at, at + LINE_NODES)) {
      views.push(view(node, hasPreviews));
      yield;
    }
    lines.push(`${JSON.stringify({ event: "topics", nodes: views })}\n`);
    yield;
  }
  return lines;
}

/** `[id, parent, name, total, messages, bytes, other, retain, preview]` */
function view(
  { id, parent, name, total, messages, bytes, other, last }: TopicNode,
  hasPreview: boolean,
): unknown[] {
  const retain = last?.retain ? 1 : 0;
  const all = [id, parent?.id ?? null, name, total, messages, bytes, other, retain];
  return hasPreview && last !== null ? [...all, previewOf(last.value)] : all;
}

/** The beginning of a payload as text, or as hex digits; `null` if it was not kept. */
function previewOf(value: Uint8Array | null): string | null {
  if (value === null) return null;
  const begin = value.subarray(0, PREVIEW_CHARACTERS);
  // A character of several bytes may be cut at the end.
  for (let cut = 0; cut < Math.min(4, begin.length); cut++) {
    try {
      const text = decoder.decode(begin.subarray(0, begin.length - cut));
      // deno-lint-ignore no-control-regex
      if (/[\0-\x08\x0e-\x1f\x7f]/.test(text)) break;
      return text;
    } catch {
      if (begin.length < PREVIEW_CHARACTERS) break;
    }
  }
  return begin.length === 0 ? "" : `0x${begin.subarray(0, PREVIEW_CHARACTERS / 2).toHex()}`;
}
