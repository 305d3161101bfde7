import { hashBytes } from '@macronode/content';
import {
  leafHash,
  type NoteKey,
  parseSignedCheckpoint,
  parseVkey,
  type SignedCheckpoint,
  TlogMalformed,
  verifyCheckpoint,
} from '@macronode/log';
import { signersText } from '../commit-section.ts';
import { judgeEntry, type Place } from '../entry-judge.ts';
import type { LogService } from '../log.service.ts';
import type { AdoptedEntry, StoredEntry } from '../log.store.ts';
import type { Published } from '../published.ts';
import { UpstreamRefused } from './upstream-refused.ts';

/** An entry as it came. */
export interface UpstreamEntry {
  readonly leaf: string;
  readonly payload: string;
}

/**
 * A log that follows another: it believes nothing. Each entry is judged as if it were committed here, and a checkpoint is
 * shown only when the log's key signed the very root these entries give.
 */
export class ReplicaLog implements Published {
  readonly #log: LogService;
  #key: NoteKey | undefined;
  #text: string | undefined;
  #signed: SignedCheckpoint | undefined;

  constructor(log: LogService) {
    this.#log = log;
  }

  /** Whose checkpoints are believed: `vkey` is of the key that signs them. Throws TlogMalformed. */
  follow(vkey: string): void {
    this.#key ??= parseVkey(vkey);
  }

  get text(): string | undefined {
    return this.#text;
  }

  get signed(): SignedCheckpoint | undefined {
    return this.#signed;
  }

  /** Stores entries that continue this log, in order. Rejects with {@link UpstreamRefused}. */
  async adopt(entries: readonly UpstreamEntry[]): Promise<void> {
    const { head, signerSet, store } = this.#log;
    let place: Place = { version: head.version + 1, prevHash: head.entry_b3, set: signerSet };
    const adopted: AdoptedEntry[] = [];
    for (const { leaf, payload } of entries) {
      const entry: StoredEntry = { version: place.version, leaf, payload, entryHash: hashBytes(Buffer.from(leaf)) };
      const verdict = judgeEntry(entry, place);
      if (verdict.fault !== undefined) {
        throw new UpstreamRefused(`version ${place.version} of the followed log does not verify: ${verdict.fault}`);
      }
      adopted.push({
        version: entry.version,
        prevHash: place.prevHash,
        leaf,
        entryHash: entry.entryHash,
        leafHash: leafHash(Buffer.from(leaf)),
        payloadHash: verdict.leaf.payload_b3,
        payload,
        ...(verdict.incoming === undefined ? {} : { signers: signersText(verdict.incoming) }),
      });
      place = { version: place.version + 1, prevHash: entry.entryHash, set: verdict.incoming ?? place.set };
    }
    await store.adopt(adopted);
    this.#log.adopted(adopted);
  }

  /** Shows a checkpoint of the followed log. Throws {@link UpstreamRefused} for one that does not fit the entries here. */
  show(text: string): void {
    const signed = this.#verified(text);
    const { size, root } = signed.checkpoint;
    // Its entries are on their way: it comes again with them.
    if (size > this.#log.tree.size) return;
    if (!Buffer.from(this.#log.tree.root(size)).equals(root)) {
      throw new UpstreamRefused(`the checkpoint of size ${size} is of another log: two roots were signed`);
    }
    this.#text = text;
    this.#signed = signed;
  }

  #verified(text: string): SignedCheckpoint {
    const key = this.#key;
    try {
      const signed = parseSignedCheckpoint(text);
      if (key !== undefined && signed.checkpoint.origin === key.name && verifyCheckpoint(signed, [key]).ok)
        return signed;
    } catch (cause) {
      if (!(cause instanceof TlogMalformed)) throw cause;
    }
    throw new UpstreamRefused('the checkpoint is not signed by the key of the followed log');
  }
}
