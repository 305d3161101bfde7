import { type ChildProcess, spawn } from 'node:child_process';
import { comesTrue } from '../poll.ts';
import { requireProgram } from '../programs.ts';

const ANSWER_TIMEOUT_MS = 5_000;
let made = 0;

const refused = (why: string): Error => new Error(`packets cannot be ruled here: ${why}`);

/**
 * Rules about packets of the loopback. The table belongs to the nft process: the kernel takes it away when that ends,
 * however it ends, so that no rule outlives the run.
 */
export class OwnedTable {
  readonly #nft: ChildProcess;
  readonly #name: string;
  #rules = 0;
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
    try {
      await table.add(rules);
    } catch (error) {
      await table.end();
      throw error;
    }
    return table;
  }

  /** Each rule counts what it is about: the kernel lists its counter once the rule is in force. Throws when one is not. */
  async add(rules: readonly string[]): Promise<void> {
    for (const rule of rules) this.#nft.stdin?.write(`add rule ip ${this.#name} packets ${rule}\n`);
    this.#rules += rules.length;
    const listed = await this.list();
    if ((listed.match(/counter packets/g)?.length ?? 0) < this.#rules) throw refused(listed);
  }

  /** The table as the kernel has it. Throws when nft does not show it. */
  async list(): Promise<string> {
    this.#output = '';
    this.#nft.stdin?.write(`list table ip ${this.#name}\n`);
    const isListed = (): boolean => /^}/m.test(this.#output);
    const answered = (): boolean => isListed() || this.#output.includes('Error');
    if (!(await comesTrue(ANSWER_TIMEOUT_MS, answered))) throw refused('nft does not answer');
    if (!isListed()) throw refused(this.#output);
    return this.#output;
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#nft.once('exit', resolve));
    this.#nft.kill('SIGKILL');
    await gone;
  }
}
