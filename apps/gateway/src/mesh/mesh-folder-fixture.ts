import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MeshStatus } from '@macronode/contracts';
import { BootedGateway } from '../booted-gateway.ts';

type Env = Readonly<Record<string, string>>;

/** The keys of some nodes and the trust list that names them, in a folder of their own. */
export class MeshFolder implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'macronode-mesh-'));
  readonly #ids = new Map<string, string>();
  readonly trust = this.file('trust.txt');

  constructor(...names: readonly string[]) {
    this.believe(...names);
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /** Writes the trust list anew, with these nodes in it. */
  believe(...names: readonly string[]): void {
    writeFileSync(this.trust, names.map((name) => `${name} ${this.#idOf(name)}\n`).join(''));
  }

  /** The id of a node, whose key file is made the first time. */
  #idOf(name: string): string {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = [
      privateKey.export({ format: 'pem', type: 'pkcs8' }),
      publicKey.export({ format: 'pem', type: 'spki' }),
    ];
    writeFileSync(this.file(`${name}.key`), pem.join(''), { mode: 0o600 });
    const id = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
    this.#ids.set(name, id);
    return id;
  }

  env(name: string): Env {
    return {
      MESH: 'true',
      MESH_HOST: '127.0.0.1',
      MESH_PORT: '0',
      MESH_KEY: this.file(`${name}.key`),
      MESH_TRUST: this.trust,
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const statusOf = async (gateway: BootedGateway): Promise<MeshStatus> =>
  MeshStatus.parse((await gateway.admin('GET', '/admin/mesh'))[1]);

/** Starts gateways one after another, each connected to those before it. */
export async function startMesh(folder: MeshFolder, envs: Readonly<Record<string, Env>>): Promise<BootedGateway[]> {
  const started: BootedGateway[] = [];
  const peers: string[] = [];
  try {
    for (const [name, env] of Object.entries(envs)) {
      const gateway = new BootedGateway({
        ...folder.env(name),
        ...(peers.length > 0 && { MESH_PEERS: peers.join(',') }),
        ...env,
      });
      started.push(gateway);
      await gateway.start();
      peers.push(...(await statusOf(gateway)).listen);
    }
    return started;
  } catch (error) {
    for (const gateway of started) await gateway.close();
    throw error;
  }
}
