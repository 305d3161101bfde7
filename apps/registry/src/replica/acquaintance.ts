import { join } from 'node:path';
import { canonicalJson } from '@macronode/content';
import type { RegistrySigners } from '@macronode/contracts';
import { SignerKey } from '@macronode/keys';
import { admitSignerSet, formatVkey, parseVkey, SignerSetRefused, TlogMalformed } from '@macronode/log';
import type { AuditTrail } from '../audit-trail.ts';
import { noteKeysOf } from '../checkpointer.ts';
import { readGenesis } from '../genesis.ts';
import { followedGenesis, type LogKeys, readKeptGenesis, signersText } from '../kept-genesis.ts';
import type { LogService } from '../log.service.ts';
import { UpstreamRefused } from './upstream-refused.ts';

export interface AcquaintanceOptions {
  readonly log: LogService;
  /** Where the keys are of a log that was written here before it followed. */
  readonly dataDir: string | undefined;
  /** The signer set the followed log must have begun with; without it the first one that answers is believed. */
  readonly genesisFile: string | undefined;
  readonly audit: AuditTrail;
}

/** Which log a replica follows: pinned when it is first met, so that another one in its place is refused. */
export class Acquaintance {
  readonly #options: AcquaintanceOptions;
  #keys: LogKeys | undefined;

  constructor(options: AcquaintanceOptions) {
    this.#options = options;
  }

  /**
   * The keys of the followed log; undefined before it was met. A log that was written in this folder follows itself: its
   * checkpoints are signed by the keys that lie there. Throws when they do not.
   */
  keys(): LogKeys | undefined {
    const text = this.#options.log.store.genesis();
    if (text === undefined) return undefined;
    return (this.#keys ??= this.#keysOf(text));
  }

  #keysOf(text: string): LogKeys {
    const kept = readKeptGenesis(text);
    if (kept.role === 'followed') return kept.keys;
    const { dataDir, log } = this.#options;
    const load = (name: string): SignerKey => {
      const key = dataDir === undefined ? undefined : SignerKey.load(join(dataDir, name));
      if (key !== undefined) return key;
      const where = dataDir ?? 'memory';
      throw new Error(
        `the log in ${where} was written there, and its ${name} is gone: put it back, or follow with no data`,
      );
    };
    const keys = noteKeysOf(log.store.logName() ?? '', load('log.key'), load('cosigner.key'));
    return { vkey: formatVkey(keys.log), cosigner_vkey: formatVkey(keys.cosigner) };
  }

  /** Asks the log who it is, unless that is known. Rejects with {@link UpstreamRefused} when it is not the one it must be. */
  async meet(ask: () => Promise<RegistrySigners>): Promise<LogKeys> {
    const known = this.keys();
    if (known !== undefined) return known;
    const { log, audit } = this.#options;
    const { log: name, vkey, cosigner_vkey, genesis } = await ask();
    if (genesis === null) throw new UpstreamRefused('the followed log has no signer set yet');
    const expected = this.#expected();
    if (expected !== undefined && expected !== canonicalJson({ log: name, ...genesis })) {
      throw new UpstreamRefused('the followed log began with another signer set than REGISTRY_GENESIS');
    }
    // What is pinned is pinned for good: nothing that cannot be believed later.
    requireUsable(() => admitSignerSet(name, genesis), 'signer set');
    requireUsable(() => [vkey, cosigner_vkey].forEach(parseVkey), 'keys');
    const keys = { vkey, cosigner_vkey };
    const outcome = await log.store.identify({
      log: name,
      genesis: { text: followedGenesis(genesis, keys), signers: signersText(genesis) },
      audit: audit.fact({ kind: 'genesis', actor: null, subject: null, attrs: { log: name } }),
    });
    if (outcome === 'created') audit.appended();
    log.begin();
    return keys;
  }

  #expected(): string | undefined {
    const { genesisFile } = this.#options;
    return genesisFile === undefined ? undefined : readGenesis(genesisFile).text;
  }
}

function requireUsable(use: () => void, what: string): void {
  try {
    use();
  } catch (cause) {
    if (!(cause instanceof SignerSetRefused || cause instanceof TlogMalformed)) throw cause;
    throw new UpstreamRefused(`the ${what} of the followed log cannot be used: ${cause.message}`, { cause });
  }
}
