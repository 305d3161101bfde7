import { canonicalJson } from '@macronode/content';
import type { RegistrySigners } from '@macronode/contracts';
import { admitSignerSet } from '@macronode/log';
import { systemClock } from '../clock.ts';
import { signersText } from '../commit-section.ts';
import { readGenesis } from '../genesis.ts';
import type { LogService } from '../log.service.ts';
import { UpstreamRefused } from './upstream-refused.ts';

/** What a replica holds on to once it has met the log it follows. */
export interface LogKeys {
  readonly vkey: string;
  readonly cosigner_vkey: string;
}

export interface AcquaintanceOptions {
  readonly log: LogService;
  /** The signer set the followed log must have begun with; without it the first one that answers is believed. */
  readonly genesisFile: string | undefined;
  readonly writerId: string;
}

interface Remembered extends LogKeys {
  readonly genesis: unknown;
}

/** Which log a replica follows: pinned when it is first met, so that another one in its place is refused. */
export class Acquaintance {
  readonly #options: AcquaintanceOptions;

  constructor(options: AcquaintanceOptions) {
    this.#options = options;
  }

  /** The keys of the followed log; undefined before it was met. */
  keys(): LogKeys | undefined {
    const text = this.#options.log.store.genesis();
    if (text === undefined) return undefined;
    const { vkey, cosigner_vkey } = JSON.parse(text) as Remembered;
    return { vkey, cosigner_vkey };
  }

  /** Asks the log who it is, unless that is known. Rejects with {@link UpstreamRefused} when it is not the one it must be. */
  async meet(ask: () => Promise<RegistrySigners>): Promise<LogKeys> {
    const known = this.keys();
    if (known !== undefined) return known;
    const { log, writerId } = this.#options;
    const { log: name, vkey, cosigner_vkey, genesis } = await ask();
    if (genesis === null) throw new UpstreamRefused('the followed log has no signer set yet');
    const expected = this.#expected();
    if (expected !== undefined && expected !== canonicalJson({ log: name, ...genesis })) {
      throw new UpstreamRefused('the followed log began with another signer set than REGISTRY_GENESIS');
    }
    admitSignerSet(name, genesis);
    await log.store.identify({
      log: name,
      genesis: { text: canonicalJson({ genesis, vkey, cosigner_vkey }), signers: signersText(genesis) },
      audit: {
        at: systemClock.wallMs(),
        writerId,
        kind: 'genesis',
        actor: null,
        subject: null,
        reason: null,
        attrs: { log: name },
      },
    });
    log.begin();
    return { vkey, cosigner_vkey };
  }

  #expected(): string | undefined {
    const { genesisFile } = this.#options;
    return genesisFile === undefined ? undefined : readGenesis(genesisFile).text;
  }
}
