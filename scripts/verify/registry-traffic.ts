// What readers and signers of the log do while it is verified.
import { get, type ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from '@macronode/contracts';
import type { Ledger } from '../rig/ledger.ts';
import { repeating, type Mend } from '../rig/mend.ts';
import { descriptors, RegistryDriver, RegistryRefused } from '../rig/registry-driver.ts';
import type { Rig } from './rig.ts';

const DESCRIPTOR_BYTES = 1_024;
/** Heads and versions asked for one after another between two commits. */
const READS = 10;

let label = 0;
/** Descriptors no other call of this process has made. */
const fresh = () => descriptors(`verify-${(label += 1)}`, DESCRIPTOR_BYTES);

/** Speaks for the signers of the rig, through its gateway unless told otherwise. */
export const driverOf = ({ url, signers }: Pick<Rig, 'url' | 'signers'>, ledger?: Ledger): RegistryDriver =>
  new RegistryDriver(url, signers, ledger === undefined ? {} : { ledger });

/** Reads the head and the newest version, so many times. */
export async function readLog(driver: RegistryDriver, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const { version } = await driver.head();
    if (version > 0) await driver.entry(version);
  }
}

/** One version through its whole life: proposed, approved, committed. */
export async function writeLog(driver: RegistryDriver): Promise<void> {
  await driver.commitNext(fresh());
  driver.client.ledger.add('versions committed');
}

/** A proposal that nobody approves. */
export async function proposeOnly(driver: RegistryDriver, by: number): Promise<string> {
  const { members } = driver.group;
  const signer = members[by % members.length];
  if (signer === undefined) throw new Error('the rig has no signers');
  const payload = await driver.payload({ kind: 'set', items: [...fresh()] });
  const { proposal_id: id } = await driver.propose(payload, signer);
  return id;
}

/** A commit that its quorum has not been reached for: refused. */
export async function commitTooEarly(driver: RegistryDriver, by: number): Promise<void> {
  const { members } = driver.group;
  const signer = members[by % members.length];
  if (signer === undefined) throw new Error('the rig has no signers');
  const id = await proposeOnly(driver, by);
  await refusing(() => driver.commit(id, signer));
}

/** Does what is expected to be refused. */
export async function refusing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RegistryRefused)) throw error;
  }
}

/** Reads without a pause, and a commit now and then; refusals are what faults are about. */
export function registryTraffic(rig: Rig, pauseMs = 500): Mend {
  const driver = driverOf(rig);
  const stop = repeating(async () => {
    await refusing(() => readLog(driver, READS));
    await refusing(() => writeLog(driver));
    await delay(pauseMs);
  });
  return async () => {
    await stop();
    driver[Symbol.dispose]();
  };
}

/** Event streams that are open until they are let go. */
export class OpenStreams implements Disposable {
  readonly #requests: ClientRequest[] = [];

  /** Opens so many, and waits until each has been answered. */
  async open(url: string, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#open(url)));
  }

  #open(url: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = get(`${url}${ROUTES.registryStream.template}`, (response) => {
        response.on('error', () => undefined).resume();
        if (response.statusCode === 200) resolve();
        else reject(new Error(`a stream was answered ${response.statusCode ?? 0}`));
      });
      request.on('error', reject);
      this.#requests.push(request);
    });
  }

  [Symbol.dispose](): void {
    for (const request of this.#requests) request.destroy();
  }
}
