import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { meshPorts, opsPortOffsets, parseReplicas, planProcesses, registryPorts } from './plan.ts';

const options = {
  replicas: { gateway: 2, omnigate: 2 },
  opsPortBase: 9080,
  httpPort: 8080,
  registryPort: 8085,
  redisUrl: 'redis://127.0.0.1:6379',
  dataDir: '/data',
  nodeId: 'node-a',
};

describe('planProcesses', () => {
  const plan = planProcesses(options);
  const named = Object.fromEntries(plan.map((planned) => [`${planned.service}-${planned.index}`, planned]));

  it('runs every service, the replicated ones as often as asked, the public face last', () => {
    expect(Object.keys(named)).toEqual([
      'registry-0',
      'mailbox-0',
      'storage-0',
      'index-0',
      'omnigate-1',
      'omnigate-0',
      'gateway-1',
      'gateway-0',
    ]);
  });

  it('gives every process its own ops port and all gateways one public port', () => {
    expect(plan.map(({ env }) => Number(env['OPS_PORT'])).sort()).toEqual(
      opsPortOffsets(options.replicas)
        .map((offset) => 9080 + offset)
        .sort(),
    );
    expect(named['gateway-0']?.env).toMatchObject({
      PORT: '8080',
      OPS_PORT: '9080',
      BUS_LINK: 'redis',
      NODE_ID: 'node-a',
    });
    expect(named['gateway-1']?.env).toMatchObject({ PORT: '8080', OPS_PORT: '9180' });
    expect(named['omnigate-1']?.opsUrl).toBe('http://127.0.0.1:9181');
    expect(named['storage-0']?.env).not.toHaveProperty('PORT');
  });

  it('tells the gateways alone to answer echoes, when asked', () => {
    const echoing = planProcesses({ ...options, echo: true }).filter(({ env }) => 'GATEWAY_ECHO' in env);
    expect(echoing.map(({ service }) => service)).toEqual(['gateway', 'gateway']);
    expect(plan.some(({ env }) => 'GATEWAY_ECHO' in env)).toBe(false);
  });

  it('gives each gateway a folder, and in a mesh a port of its own and the others beside the peers it was told', () => {
    expect(named['gateway-0']?.env).toMatchObject({ DATA_DIR: '/data' });
    expect(named['gateway-1']?.env).toMatchObject({ DATA_DIR: join('/data', 'replica-1') });
    expect(named['gateway-0']?.env).not.toHaveProperty('MESH_PORT');
    const meshed = (peers: string): unknown =>
      planProcesses({ ...options, mesh: { port: 4001, peers } })
        .filter(({ service }) => service === 'gateway')
        .map(({ env }) => [env['MESH_PORT'], env['MESH_PEERS']]);
    expect(meshed('')).toEqual([
      ['4101', '127.0.0.1:4001'],
      ['4001', '127.0.0.1:4101'],
    ]);
    expect(meshed('far.example:4001')).toEqual([
      ['4101', 'far.example:4001,127.0.0.1:4001'],
      ['4001', 'far.example:4001,127.0.0.1:4101'],
    ]);
    expect(meshPorts({ gateway: 2 }, 4001)).toEqual([4001, 4101]);
  });

  it('gives the registry a port of its own, free if none was planned', () => {
    expect(named['registry-0']?.env).toMatchObject({ REGISTRY_PORT: '8085', OPS_PORT: '9085', DATA_DIR: '/data' });
    const { registryPort: _planned, ...unplanned } = options;
    expect(planProcesses(unplanned)[0]?.env).toMatchObject({ REGISTRY_PORT: '0' });
    expect(() => planProcesses({ ...unplanned, replicas: { registry: 2 } })).toThrow('need a port');
  });

  it('has further registries follow the first, with a log of their own', () => {
    const replicas = { registry: 2 };
    const [replica, writer] = planProcesses({ ...options, replicas });
    expect(writer?.env).not.toHaveProperty('REGISTRY_FOLLOW');
    expect(replica?.env).toMatchObject({
      REGISTRY_PORT: '8185',
      REGISTRY_FOLLOW: 'http://127.0.0.1:8085',
      DATA_DIR: '/data/replica-1',
    });
    expect(registryPorts(replicas, 8085)).toEqual([8085, 8185]);
  });

  it('tells every process of all, in the order of the services', () => {
    const peers = plan.map(({ env }) => env['OPS_PEERS']);
    expect(new Set(peers).size).toBe(1);
    expect(peers[0]).toMatch(/^gateway=http:\/\/127\.0\.0\.1:9080,gateway=http:\/\/127\.0\.0\.1:9180,omnigate=/);
    expect(peers[0]?.split(',')).toHaveLength(plan.length);
  });
});

describe('parseReplicas', () => {
  it('reads counts by service', () => {
    expect(parseReplicas('gateway=2, omnigate=3, registry=2')).toEqual({ gateway: 2, omnigate: 3, registry: 2 });
  });

  it.each(['nobody=2', 'gateway=0', 'gateway=many', 'gateway', 'gateway=17', 'storage=2'])('refuses %s', (text) => {
    expect(() => parseReplicas(text)).toThrow('--replicas');
  });
});
