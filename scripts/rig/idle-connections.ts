import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mend } from './mend.ts';

/** So many connections that say nothing, opened a few at a time; those that are cut are opened again. */
export function idleConnections(url: string, count: number): Mend {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  let over = false;
  const keep = (async () => {
    while (!over) {
      for (let i = 0; i < 40 && open.size < count; i += 1) {
        const socket = connect(Number(port), hostname);
        open.add(socket);
        socket.on('error', () => undefined);
        socket.once('close', () => open.delete(socket));
      }
      await delay(100);
    }
  })();
  return async () => {
    over = true;
    await keep;
    for (const socket of open) socket.destroy();
  };
}
