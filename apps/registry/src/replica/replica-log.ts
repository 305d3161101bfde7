import {
  leafHash,
  type NoteKey,
  parseSignedCheckpoint,
  parseVkey,
  type SignedCheckpoint,
  TlogMalformed,
  verifyCheckpoint,
} from '@macronode/log';
import type { Clock } from '../clock.ts';
import { judgeEntry, type Place, placeAfter } from '../entry-judge.ts';
import { EventLoopTurn } from '../event-loop-turn.ts';
import { type LogKeys, signersText } from '../kept-genesis.ts';
import type { LogService } from '../log.service.ts';
import type { AdoptedEntry } from '../log.store.ts';
import type { RegistryMetrics } from '../metrics.ts';
import type { Published } from '../published.ts';
import type { UpstreamEntry } from './http-log.source.ts';
import { UpstreamRefused } from './upstream-refused.ts';

export interface ReplicaLogOptions {
  readonly log: LogService;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
}

interface FollowedKeys {
  readonly log: NoteKey;
  readonly cosigner: NoteKey;
}

/** A checkpoint that verified. */
interface Shown {
  readonly text: string;
  readonly signed: SignedCheckpoint;
  /** When the followed log last said that this is its newest, in ms since the epoch. */
  readonly cosignedAt: number;
}

const FORKED = 'the followed log has signed two roots for one size: find out which one is right, then restart';

/**
 * A log that follows another: it believes nothing. Each entry is judged as if it were committed here, and a checkpoint is
 * shown only when the log's key signed the very root these entries give.
 */
export class ReplicaLog implements Published {
  readonly #options: ReplicaLogOptions;
  readonly #openedAt: number;
  #keys: FollowedKeys | undefined;
  #shown: Shown | undefined;
  #forked = false;

  constructor(options: ReplicaLogOptions) {
    this.#options = options;
    this.#openedAt = options.clock.wallMs();
    options.metrics.checkpointAge.collect(() => this.ageSeconds());
  }

  /** Whose checkpoints are believed. Throws TlogMalformed. */
  follow({ vkey, cosigner_vkey }: LogKeys): void {
    this.#keys ??= { log: parseVkey(vkey), cosigner: parseVkey(cosigner_vkey) };
  }

  get text(): string | undefined {
    return this.#shown?.text;
  }

  get signed(): SignedCheckpoint | undefined {
    return this.#shown?.signed;
  }

  /** True for good once the followed log has signed another root than these entries give: one of the two is a lie. */
  get forked(): boolean {
    return this.#forked;
  }

  /** By the followed log's own clock. Entries without any checkpoint are as old as this process. */
  ageSeconds(): number {
    const { log, clock } = this.#options;
    const now = clock.wallMs();
    const since = this.#shown?.cosignedAt ?? (log.head.version === 0 ? now : this.#openedAt);
    return Math.max(0, now - since) / 1_000;
  }

  /** Stores entries that continue this log, in order. Rejects with {@link UpstreamRefused}. */
  async adopt(entries: readonly Pick<UpstreamEntry, 'leaf' | 'payload' | 'entryHash'>[]): Promise<void> {
    if (this.#forked) throw new UpstreamRefused(FORKED);
    const { log } = this.#options;
    const { head, sealed, signerSet: set, store } = log;
    const turn = new EventLoopTurn();
    let place: Place = { log: store.logName() ?? '', version: head.version + 1, prevHash: head.entry_b3, set, sealed };
    const adopted: AdoptedEntry[] = [];
    for (const { leaf, payload, entryHash } of entries) {
      const entry = { version: place.version, leaf, payload, entryHash };
      const verdict = judgeEntry(entry, place);
      if (verdict.fault !== undefined) {
        throw new UpstreamRefused(`version ${place.version} of the followed log does not verify: ${verdict.fault}`);
      }
      adopted.push({
        ...entry,
        prevHash: place.prevHash,
        leafHash: leafHash(Buffer.from(leaf)),
        payloadHash: verdict.leaf.payload_b3,
        ...(verdict.incoming === undefined ? {} : { signers: signersText(verdict.incoming) }),
      });
      place = placeAfter(place, entry, verdict);
      await turn.giveWay();
    }
    await store.adopt(adopted);
    for (const entry of adopted) {
      log.adopted([entry]);
      await turn.giveWay();
    }
  }

  /**
   * Shows a checkpoint of the followed log, unless it is older than the one shown. Answers whether it is shown now.
   * Throws {@link UpstreamRefused} for one that does not fit the entries here.
   */
  show(text: string): boolean {
    if (this.#forked) throw new UpstreamRefused(FORKED);
    const { tree } = this.#options.log;
    const came = this.#verified(text);
    const { size, root } = came.signed.checkpoint;
    // Its entries are on their way: it comes again with them.
    if (size > tree.size) return false;
    if (!Buffer.from(tree.root(size)).equals(root)) {
      this.#forked = true;
      this.#options.metrics.auditFailed.inc({ what: 'checkpoint' });
      throw new UpstreamRefused(`the checkpoint of size ${size} is of another log. ${FORKED}`);
    }
    // Another node of the log may be behind; what was shown is not taken back.
    if (this.#shown !== undefined && isOlder(came, this.#shown)) return false;
    this.#shown = came;
    return true;
  }

  #verified(text: string): Shown {
    const keys = this.#keys;
    try {
      const signed = parseSignedCheckpoint(text);
      const cosignedAt = keys === undefined ? undefined : cosignedAtOf(signed, keys);
      if (cosignedAt !== undefined) return { text, signed, cosignedAt };
    } catch (cause) {
      if (!(cause instanceof TlogMalformed)) throw cause;
    }
    throw new UpstreamRefused('the checkpoint is not signed and cosigned by the keys of the followed log');
  }
}

const isOlder = (one: Shown, other: Shown): boolean =>
  one.signed.checkpoint.size < other.signed.checkpoint.size ||
  (one.signed.checkpoint.size === other.signed.checkpoint.size && one.cosignedAt < other.cosignedAt);

/** In ms since the epoch; undefined unless both keys have signed: a log dates each of its checkpoints. */
function cosignedAtOf(signed: SignedCheckpoint, { log, cosigner }: FollowedKeys): number | undefined {
  const verdict = verifyCheckpoint(signed, [log, cosigner]);
  if (signed.checkpoint.origin !== log.name || !verdict.ok) return undefined;
  const [byLog, byCosigner] = [log, cosigner].map((key) => verdict.signatures.find((one) => one.key === key));
  return byLog === undefined || byCosigner?.timestamp === undefined ? undefined : byCosigner.timestamp * 1_000;
}
