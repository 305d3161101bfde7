import { OwnedTable } from './owned-table.ts';

/** Packets to and from one port of the loopback that are dropped at random. */
export class PacketLoss {
  readonly #table: OwnedTable;

  private constructor(table: OwnedTable) {
    this.#table = table;
  }

  /** Throws where the kernel or the rights of the user do not allow it. */
  static async at(port: number, percent: number): Promise<PacketLoss> {
    const drop = `numgen random mod 100 < ${percent} counter drop`;
    const rules = [`iif lo tcp dport ${port} ${drop}`, `iif lo tcp sport ${port} ${drop}`];
    return new PacketLoss(await OwnedTable.at('input', rules));
  }

  /** Lets packets through again; answers how many were dropped. */
  async end(): Promise<number> {
    await using stack = new AsyncDisposableStack();
    stack.defer(() => this.#table.end());
    const listed = await this.#table.list();
    return [...listed.matchAll(/counter packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
  }
}
