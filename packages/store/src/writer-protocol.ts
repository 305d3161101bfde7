import type { BatchItem, BatchReply } from './engine.ts';

/** What the writer's thread is started with. */
export interface WriterData {
  readonly file: string;
  /** URL of the commands module. */
  readonly module: string;
}

export type ToWriter = { readonly kind: 'batch'; readonly items: readonly BatchItem[] } | { readonly kind: 'close' };

export type FromWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'reply'; readonly reply: BatchReply }
  | { readonly kind: 'busy' }
  | { readonly kind: 'full'; readonly message: string }
  /** To a batch, to the opening, or unasked (a checkpoint failed). */
  | { readonly kind: 'fatal'; readonly message: string };
