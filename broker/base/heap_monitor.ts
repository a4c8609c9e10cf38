/** Watches the heap of the process, in case the counted memory is not all of it. */
import v8 from "node:v8";

/** The size of the process's heap, in bytes. */
export interface HeapState {
  /** Bytes on the heap, with garbage that was not collected yet. */
  readonly usedBytes: number;
  /** The size at which the runtime ends the process; 0 if unknown. */
  readonly limitBytes: number;
}

/** The source of the heap's state. Tests replace it. */
export interface HeapSource {
  /** The current state. */
  read(): HeapState;
  /**
   * Calls `call` in its own turn after each full collection, as long as something references it.
   */
  onCollected(call: () => void): void;
}

/** The heap of this process; `null` if the runtime does not report it. */
export function systemHeap(): HeapSource | null {
  try {
    if (read().limitBytes === 0) return null;
  } catch {
    return null;
  }
  return { read, onCollected };
}

function read(): HeapState {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = v8.getHeapStatistics();
  return { usedBytes, limitBytes };
}

/** A full collection collects an object without references, and the registry is called. */
function onCollected(call: () => void): void {
  const weak = new WeakRef(call);
  const registry = new FinalizationRegistry<null>(() => {
    const live = weak.deref();
    if (live === undefined) return;
    live();
    arm();
  });
  const arm = () => registry.register({}, null);
  held.set(call, registry);
  arm();
}

/** Keeps each registry alive as long as its callback is. */
const held = new WeakMap<() => void, FinalizationRegistry<null>>();

/**
 * The share of the limit from which on the heap is short, after a collection. V8's limit includes
 * some 100 MB of the young generation, which a small heap cannot use for anything else.
 */
const SHORT_SHARE = 0.55;
/**
 * The share from which on the heap is short even before a collection: then there is little time.
 */
const URGENT_SHARE = 0.68;

/**
 * The second line of defence against memory shortage: estimates may be wrong, so the heap itself is
 * checked too. Garbage must not count, and only a full collection removes it. So the heap is
 * checked after each full collection, and in between only for being almost full.
 */
export class HeapMonitor {
  readonly #source: HeapSource | null;
  readonly #collected = () => this.#look(SHORT_SHARE);
  /** Whether new allocations should be refused. */
  isShort = false;

  constructor(source: HeapSource | null) {
    this.#source = source;
    source?.onCollected(this.#collected);
  }

  /** The maximum size of the heap, in bytes; 0 if unknown. */
  get limitBytes(): number {
    return this.#source?.read().limitBytes ?? 0;
  }

  /** Checks the heap between collections. Call it at most once a second. */
  glance(): void {
    this.#look(this.isShort ? SHORT_SHARE : URGENT_SHARE);
  }

  #look(share: number): void {
    if (this.#source === null) return;
    const { usedBytes, limitBytes } = this.#source.read();
    this.isShort = usedBytes > limitBytes * share;
  }
}
