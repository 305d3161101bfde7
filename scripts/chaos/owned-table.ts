import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { requireProgram } from '../programs.ts';

const ANSWER_TIMEOUT_MS = 5_000;
let made = 0;

/**
 * Rules about packets of the loopback. The table belongs to the nft process: the kernel takes it away when that ends,
 * however it ends, so that no rule outlives the run.
 */
export class OwnedTable {
  readonly #nft: ChildProcess;
  readonly #name: string;
  #output = '';

  private constructor(nft: ChildProcess, name: string) {
    this.#nft = nft;
    this.#name = name;
    nft.stdout?.on('data', (text: Buffer) => (this.#output += text.toString()));
    nft.stderr?.on('data', (text: Buffer) => (this.#output += text.toString()));
  }

  /** A chain at a hook, with its rules. Throws where the kernel or the rights of the user do not allow it. */
  static async at(hook: 'input' | 'output', rules: readonly string[]): Promise<OwnedTable> {
    const name = `macronode_chaos_${process.pid}_${(made += 1)}`;
    const nft = spawn(requireProgram('nft', 'nftables'), ['-i'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const table = new OwnedTable(nft, name);
    nft.stdin.write(`add table ip ${name} { flags owner; }\n`);
    nft.stdin.write(`add chain ip ${name} packets { type filter hook ${hook} priority 0; }\n`);
    table.add(rules);
    const listed = await table.list();
    if ((listed.match(/counter packets/g)?.length ?? 0) < rules.length) {
      await table.end();
      throw new Error(`packets cannot be ruled here: ${listed}`);
    }
    return table;
  }

  /** Each rule counts what it is about. */
  add(rules: readonly string[]): void {
    for (const rule of rules) this.#nft.stdin?.write(`add rule ip ${this.#name} packets ${rule}\n`);
  }

  /** What nft says of the table, complaints included: everything that was added is in force by then. */
  async list(): Promise<string> {
    this.#output = '';
    this.#nft.stdin?.write(`list table ip ${this.#name}\n`);
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    while (!/^}/m.test(this.#output) && !this.#output.includes('Error') && performance.now() < deadline)
      await delay(20);
    return this.#output;
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#nft.once('exit', resolve));
    this.#nft.kill('SIGKILL');
    await gone;
  }
}
