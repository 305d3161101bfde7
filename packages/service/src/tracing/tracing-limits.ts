/** Bounds of what tracing holds and waits for; while no collector is named, none of it exists. */
export const TRACING_LIMITS = Object.freeze({
  /** Spans that wait for export: about 2 MB, and several seconds of a busy service at the default ratio. More are dropped and counted. */
  queueSpans: 2_048,
  /** Spans of one export: a message of some 200 KB. */
  batchSpans: 256,
  /** How long a span waits for others to share its export, in ms. */
  exportIntervalMs: 1_000,
  /** How long the collector may take for one export, in ms; its spans count as dropped then. */
  exportTimeoutMs: 2_000,
  /** How long the last flush may take as a whole, in ms: a collector that hangs must not outlast the drain. */
  closeTimeoutMs: 2_000,
  /** Unsampled traces held at a time in case they fail; the oldest goes first. With 16 KiB each they are 16 MiB at the worst. */
  heldTraces: 1_024,
  /** Spans held of one unsampled trace in one service: more than the longest request of ours has. */
  heldSpansPerTrace: 32,
  /** Bytes held of one unsampled trace: 32 spans with all of their attributes. */
  heldBytesPerTrace: 16_384,
  /** How long a receive span waits for its handler to start, in ms: the default deadline of a call, after which none runs. */
  handlerWaitMs: 5_000,
  /** Attributes of one span; ours have a dozen. */
  attributes: 32,
  /** Longest attribute value, in characters: a path of the longest name. */
  attributeChars: 1_024,
  /** Events of one span; the first ones go. A gossip round at debug has one for each claim. */
  spanEvents: 128,
  /** Links of one receive span: the frames of the largest entry. */
  links: 128,
});
