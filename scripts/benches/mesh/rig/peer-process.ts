// A node of the mesh that only says things: told how often, it publishes claims of ever new addresses.
import { openMesh } from '@macronode/mesh';
import { MetricsRegistry } from '@macronode/metrics';
import type { PeerMessage, PeerOrder } from './peer-messages.ts';

const MS_PER_SECOND = 1_000;
const BYTE = 256;

const [keyFile = '', trustFile = '', network = '0', ...peers] = process.argv.slice(2);
const mesh = await openMesh({
  ...{ keyFile, trustFile, peers, listen: { host: '127.0.0.1', port: 0 } },
  scope: new MetricsRegistry().scope({}),
  log: (_, message) => void process.stderr.write(`${message}\n`),
});

const tell = (message: PeerMessage): void => void process.send?.(message);

let published = 0;
let timer: NodeJS.Timeout | undefined;
const say = (): void => {
  const subject = `${network}.${Math.floor(published / BYTE ** 2) % BYTE}.${Math.floor(published / BYTE) % BYTE}.${published % BYTE}`;
  if (mesh.publish({ kind: 'rate_saturation', subject, score: 0.8, reason: 'quota_storm', ttlS: 3_600 }))
    published += 1;
};

process.on('message', ({ perSecond }: PeerOrder) => {
  clearInterval(timer);
  if (perSecond > 0) timer = setInterval(say, MS_PER_SECOND / perSecond);
  tell({ type: 'published', claims: published });
});
const [address = ''] = mesh.listen;
tell({ type: 'listening', address });
