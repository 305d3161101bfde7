import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryPayload } from '@macronode/contracts';
import { registryService } from '@macronode/registry';
import { BootedRegistry } from '../../apps/registry/src/booted-registry-fixture.ts';
import { TestSigner } from '../../apps/registry/src/log-fixture.ts';
import { HttpSource } from '../../apps/ronctl/src/verifier/http-source.ts';
import { VerificationFailed } from '../../apps/ronctl/src/verifier/verification-failed.ts';
import { type Report, verifyRegistry } from '../../apps/ronctl/src/verifier/verify-registry.ts';
import { LogFiles } from './log-files-fixture.ts';

const signer = (name: string): TestSigner => new TestSigner(`org:${name}#1`);
export const [a, b, c, d] = [signer('a'), signer('b'), signer('c'), signer('d')];
const FIRST = { members: [a, b, c], m: 2 };
export const NEWEST = 9;

/** Two of a, b, c; from the fifth version on two of a, b, d. */
async function commitAll({ driver }: BootedRegistry): Promise<void> {
  const commit = async (by: readonly TestSigner[], content?: object): Promise<void> => {
    const place = await driver.place();
    const set = { kind: 'set', items: [{ id: `node-${place.version}`, kind: 'node' }] };
    await driver.settle(RegistryPayload.parse({ ...place, ...(content ?? set) }), by);
  };
  await commit([a, b]);
  await commit([a, c]);
  await commit([a, b, c]);
  const { entry_b3 } = await driver.head();
  await commit([b, c], { kind: 'supersede', supersede_of: entry_b3, reason: 'data_error', note: '', items: [] });
  const signers = [a, b, d].map((each) => each.member());
  await commit([a, b], { kind: 'signers', m: 2, k_pq: 0, signers });
  await commit([a, d]);
  await commit([b, d]);
  await commit([a, d]);
  await commit([a, b, d]);
}

type Env = Readonly<Record<string, string>>;
export type Tamper = (files: LogFiles) => void;
export const unchanged: Tamper = () => undefined;

// The least there is: nobody else asks, so a stop waits for nobody.
const start = (folder: string, env: Env): Promise<BootedRegistry> =>
  BootedRegistry.boot(registryService, { ...FIRST, folder, env: { DRAIN_TIMEOUT_MS: '100', ...env } });

/** The files of a log of nine versions, made once by a registry that is stopped since. */
export class NineVersions implements Disposable {
  readonly keys: { readonly vkey: string; readonly cosigner_vkey: string };
  readonly #home: string;
  readonly #whole: string;

  private constructor(home: string, whole: string, keys: NineVersions['keys']) {
    this.#home = home;
    this.#whole = whole;
    this.keys = keys;
  }

  static async make(): Promise<NineVersions> {
    const home = mkdtempSync(join(tmpdir(), 'tampered-'));
    const whole = mkdtempSync(join(home, 'whole-'));
    await using booted = await start(whole, { REGISTRY_PROPOSE_RPS: '1000', REGISTRY_APPROVE_RPS: '1000' });
    await commitAll(booted);
    return new NineVersions(home, whole, await booted.signers());
  }

  /** File with the signers the log began with. */
  get genesis(): string {
    return join(this.#whole, 'genesis.json');
  }

  /** A registry on a copy of the files that somebody had in hands. */
  async startOn(change: Tamper, env: Env = {}): Promise<BootedRegistry> {
    const folder = mkdtempSync(join(this.#home, 'copy-'));
    cpSync(this.#whole, folder, { recursive: true });
    {
      using files = new LogFiles(join(folder, 'data', 'registry'));
      change(files);
    }
    return start(folder, env);
  }

  /** A registry of another log, which witnesses this one. */
  startWitness(): Promise<BootedRegistry> {
    return start(mkdtempSync(join(this.#home, 'witness-')), { REGISTRY_WITNESSED: this.keys.vkey });
  }

  /** With the genesis for an anchor, and no other unless it is given. */
  verify(
    { url }: BootedRegistry,
    given: { readonly vkey?: string; readonly witnesses?: readonly string[] } = {},
  ): Promise<Report> {
    const source = new HttpSource({ url, timeoutMs: 20_000, signal: new AbortController().signal });
    const genesis = readFileSync(this.genesis, 'utf8');
    return verifyRegistry({ source, given: { genesis, witnesses: [], ...given }, onProgress: () => undefined });
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}

export async function failureOf(work: Promise<unknown>): Promise<VerificationFailed> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VerificationFailed)) throw new Error('it should have failed', { cause: error });
  return error;
}
