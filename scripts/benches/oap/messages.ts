/** What one frame allocates. */
export interface Allocations {
  readonly heapBytes: number;
  /** Bytes of buffers outside the heap; a slab many frames share counts by its part. */
  readonly bufferBytes: number;
  /** Allocations on the heap. Those the compiler folded into one, or took away, are not seen. */
  readonly count: number;
}

export interface AllocationsMessage {
  readonly type: 'allocations';
  readonly byCase: Readonly<Record<string, Allocations>>;
}
