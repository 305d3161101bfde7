import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { requireProgram } from '../programs.ts';

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Packets to and from one port of the loopback that are dropped at random. The table belongs to the nft process: the
 * kernel takes it away when that ends, however it ends, so that no rule outlives the run.
 */
export class PacketLoss {
  readonly #nft: ChildProcess;
  readonly #table: string;
  #output = '';

  private constructor(nft: ChildProcess, table: string) {
    this.#nft = nft;
    this.#table = table;
    nft.stdout?.on('data', (text: Buffer) => (this.#output += text.toString()));
    nft.stderr?.on('data', (text: Buffer) => (this.#output += text.toString()));
  }

  /** Throws where the kernel or the rights of the user do not allow it. */
  static async at(port: number, percent: number): Promise<PacketLoss> {
    const table = `macronode_chaos_${process.pid}`;
    const nft = spawn(requireProgram('nft', 'nftables'), ['-i'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const loss = new PacketLoss(nft, table);
    const drop = `numgen random mod 100 < ${percent} counter drop`;
    nft.stdin.write(
      [
        `add table ip ${table} { flags owner; }`,
        `add chain ip ${table} input { type filter hook input priority 0; }`,
        `add rule ip ${table} input iif lo tcp dport ${port} ${drop}`,
        `add rule ip ${table} input iif lo tcp sport ${port} ${drop}`,
        '',
      ].join('\n'),
    );
    const listed = await loss.#list();
    if (!listed.includes(`dport ${port}`)) {
      nft.kill('SIGKILL');
      throw new Error(`packets cannot be dropped here: ${listed}`);
    }
    return loss;
  }

  /** Lets packets through again; answers how many were dropped. */
  async end(): Promise<number> {
    const listed = await this.#list();
    const gone = new Promise((resolve) => this.#nft.once('exit', resolve));
    this.#nft.kill('SIGKILL');
    await gone;
    return [...listed.matchAll(/counter packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  /** What nft says of the table, complaints included. */
  async #list(): Promise<string> {
    this.#output = '';
    this.#nft.stdin?.write(`list table ip ${this.#table}\n`);
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    while (!/^}/m.test(this.#output) && !this.#output.includes('Error') && performance.now() < deadline)
      await delay(20);
    return this.#output;
  }
}
