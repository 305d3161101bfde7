// A thousand readers of the event stream on bare sockets: what each hears, and when its first byte came.
import { connect, type Socket } from 'node:net';
import { ROUTES } from '@macronode/contracts';
import type { ListenerMessage, ListenOrder } from './messages.ts';

/** Connections opened at once: a thousand in one instant would only measure the backlog of the listening socket. */
const OPENED_AT_ONCE = 50;
const COMMIT = /event: ?commit\b[^]*?id: ?(\d+)|id: ?(\d+)\nevent: ?commit\b/g;

const tell = (message: ListenerMessage): void => void process.send?.(message);
process.on('disconnect', () => process.exit());

const times = new Map<string, number[]>();
let lags = 0;
let ended = 0;

function hear(text: string, at: number): void {
  for (const [, after, before] of text.matchAll(COMMIT)) {
    const version = after ?? before ?? '';
    const heard = times.get(version);
    if (heard === undefined) times.set(version, [at]);
    else heard.push(at);
  }
  if (text.includes('event: lag')) lags += 1;
}

/** Resolves when the stream has begun. */
function listen({ hostname, port, host }: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.once('connect', () =>
      socket.write(
        `GET ${ROUTES.registryStream.template} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n\r\n`,
      ),
    );
    let isOpen = false;
    socket.on('data', (text: string) => {
      const at = performance.timeOrigin + performance.now();
      if (!isOpen) {
        if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(text.slice(0, 200)));
        isOpen = true;
        resolve(socket);
      }
      hear(text, at);
    });
    socket.once('close', () => (ended += 1));
    socket.once('error', reject);
  });
}

async function open(url: string, clients: number): Promise<void> {
  for (let left = clients; left > 0; left -= OPENED_AT_ONCE) {
    const count = Math.min(left, OPENED_AT_ONCE);
    await Promise.all(Array.from({ length: count }, () => listen(new URL(url))));
  }
  tell({ type: 'listening', clients });
}

process.on('message', (order: ListenOrder) => {
  if ('report' in order) return tell({ type: 'heard', times: Object.fromEntries(times), lags, ended });
  void open(order.url, order.listen).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
});
tell({ type: 'ready' });
