// Three gateways that are peers of each other, each behind links of its own, on one of each other service.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NodeKey } from '@macronode/keys';
import type { PlannedProcess } from '../plan.ts';
import { freePort } from '../ports.ts';
import { MeshDesk } from '../rig/mesh-desk.ts';
import { MeshLinks } from '../rig/mesh-links.ts';
import { OwnDisk } from '../rig/own-disk.ts';
import { RedisBehindProxy } from '../rig/redis-behind-proxy.ts';
import { RiggedSigners } from '../rig/registry-signers.ts';
import { RigProcess, RigProcesses } from '../rig/rig-process.ts';
import { AUDIT_DISK, described, folders, type Node, planOn } from './node-ground.ts';

/** In the order of their numbers. The last one hears what others say of clients and refuses nobody for it. */
const GATEWAYS = ['gateway_a', 'gateway_b', 'gateway_c'] as const;
const ADVISORY = 2;
/** Others the trust list has, whom no scenario should trust: one that floods, one that passes on strangers, one that forges. */
const OUTSIDERS = ['mad', 'liar', 'forger'] as const;
type Outsider = (typeof OUTSIDERS)[number];

/** Far above what the load asks of one gateway, and little enough for one client to ask over it. */
const CLIENT_RPS = 300;
export const CLIENT_BURST = 600;
/** Longer than what is told of a cut client takes to arrive, short enough to be waited for. */
export const CUT_MS = 5_000;
const MALFORMED_RPS = 50;
const ADMIN_TOKEN = 'admin-token-of-a-chaos-run';
const AUDIT_KEY = 'the-audit-key-of-a-run-of-chaos-scenarios';
const HOST = '127.0.0.1';

/** One of the gateways. */
export interface MeshedGateway {
  /** As the trust list calls it. */
  readonly name: string;
  readonly process: RigProcess;
  readonly url: string;
  readonly opsUrl: string;
  readonly desk: MeshDesk;
  readonly nodeId: string;
  readonly keyFile: string;
  readonly auditFile: string;
  /** Where it listens for peers, with no link before it. */
  readonly meshAddress: string;
}

type Three = readonly [MeshedGateway, MeshedGateway, MeshedGateway];

export interface MeshedNode extends Node {
  readonly gateways: Three;
  /** Between the gateways, by their numbers. */
  readonly links: MeshLinks;
  /** Of the audit log of the first gateway, and nothing else. */
  readonly auditDisk: OwnDisk;
  readonly auditKey: string;
  /** Keys the trust list has beside those of the gateways. */
  key(name: Outsider): NodeKey;
}

interface Identity {
  readonly keyFile: string;
  readonly nodeId: string;
  readonly auditFile: string;
}

export async function startMeshedNode(): Promise<MeshedNode> {
  const { dataDir, logDir } = folders('meshed');
  await using stack = new AsyncDisposableStack();
  const auditDir = join(dataDir, AUDIT_DISK);
  mkdirSync(auditDir);
  const disk = OwnDisk.mount(auditDir);
  if (disk === undefined) throw new Error('npm run chaos needs root on Linux: it mounts disks of its own.');
  const auditDisk = stack.use(disk);
  const medium = stack.use(await RedisBehindProxy.start());
  const signers = stack.use(RiggedSigners.make());
  const outsiders = new Map(OUTSIDERS.map((name) => [name, NodeKey.ephemeral()] as const));
  const identities = GATEWAYS.map((name, at): Identity => {
    const folder = join(dataDir, name);
    const keyFile = join(folder, 'mesh.key');
    const auditFile = join(at === 0 ? auditDir : folder, 'audit.log');
    return { keyFile, nodeId: NodeKey.loadOrCreate(keyFile).publicKeyHex, auditFile };
  });
  const trustFile = join(dataDir, 'mesh-trust.txt');
  writeFileSync(trustFile, trustList(identities, outsiders));
  const ports = await Promise.all(GATEWAYS.map(() => freePort()));
  const links = stack.use(await MeshLinks.between(ports));
  const registryPort = await freePort();
  const plan = await planOn({
    redisUrl: medium.network.url,
    dataDir,
    registryPort,
    replicas: { gateway: GATEWAYS.length },
  });
  const httpPorts = await Promise.all(GATEWAYS.map(() => freePort()));
  const settingsOf = ({ service, index }: PlannedProcess): Readonly<Record<string, string>> => {
    const identity = identities[index];
    if (service !== 'gateway' || identity === undefined) return {};
    return {
      ...clientSettings(index),
      PORT: String(httpPorts[index]),
      MESH_PORT: String(ports[index]),
      MESH_PEERS: links.peersOf(index).join(','),
      MESH_TRUST: trustFile,
      MESH_KEY: identity.keyFile,
      MESH_AUDIT: identity.auditFile,
    };
  };
  const planned = plan.map((one) => ({ ...one, env: { ...one.env, ...signers.env, ...settingsOf(one) } }));
  const processes = stack.use(new RigProcesses(planned.map((one) => new RigProcess(one, logDir))));
  await processes.start();
  const gateways = identities.map((identity, at): MeshedGateway => {
    const process = processes.of('gateway', at);
    const { opsUrl } = process.planned;
    const url = `http://${HOST}:${httpPorts[at] ?? 0}`;
    const desk = new MeshDesk(opsUrl, ADMIN_TOKEN);
    return {
      ...identity,
      name: GATEWAYS[at] ?? '',
      process,
      url,
      opsUrl,
      desk,
      meshAddress: `${HOST}:${ports[at] ?? 0}`,
    };
  });
  const running = stack.move();
  return {
    ...described(processes),
    gateways: gateways as unknown as Three,
    links,
    auditDisk,
    auditKey: AUDIT_KEY,
    key: (name) => {
      const key = outsiders.get(name);
      if (key === undefined) throw new Error(`the trust list has no ${name}`);
      return key;
    },
    registryUrl: `http://${HOST}:${registryPort}`,
    genesis: signers.genesis,
    signers: signers.group,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function trustList(identities: readonly Identity[], outsiders: ReadonlyMap<string, NodeKey>): string {
  const gateways = identities.map(({ nodeId }, at) => `${GATEWAYS[at] ?? ''} ${nodeId}\n`);
  return [...gateways, ...[...outsiders].map(([name, key]) => `${name} ${key.publicKeyHex}\n`)].join('');
}

/** What is the same for every gateway but for what it does about a score. */
const clientSettings = (index: number): Readonly<Record<string, string>> => ({
  HTTP_REUSE_PORT: 'false',
  ADMIN_TOKEN,
  GATEWAY_CLIENT_RPS: String(CLIENT_RPS),
  GATEWAY_CLIENT_BURST: String(CLIENT_BURST),
  GATEWAY_CLIENT_MALFORMED_RPS: String(MALFORMED_RPS),
  GATEWAY_CUT_MS: String(CUT_MS),
  MESH: 'true',
  MESH_HOST: HOST,
  MESH_ENFORCE: String(index !== ADVISORY),
  MESH_SCORE_HEADER: 'storage',
  AUDIT_HMAC_KEY: AUDIT_KEY,
});
