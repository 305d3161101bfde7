// What an operator of the gateway does by its admin routes, counted.
import type { MeshClaimDraft, MeshTrustReload } from '@macronode/contracts';
import type { Ledger } from '../../rig/ledger.ts';
import { MeshDesk } from '../../rig/mesh-desk.ts';

export class MeshOperator {
  readonly #desk: MeshDesk;
  readonly #ledger: Ledger | undefined;

  constructor(desk: MeshDesk, ledger?: Ledger) {
    this.#desk = desk;
    this.#ledger = ledger;
  }

  /** Has the gateway say something. */
  async publish(draft: MeshClaimDraft): Promise<void> {
    await this.#desk.publish(draft);
    this.#ledger?.add('claims published');
  }

  /** Looks a client up; one that is known is a hit. */
  async lookup(address: string): Promise<boolean> {
    const { standing } = await this.#desk.standing(address);
    if (standing !== null) this.#ledger?.add('lookups that hit');
    return standing !== null;
  }

  /** Has the gateway read its trust list again. */
  async reload(): Promise<MeshTrustReload['result']> {
    const { result } = await this.#desk.reload();
    this.#ledger?.add(`trust lists ${result}`);
    return result;
  }
}
