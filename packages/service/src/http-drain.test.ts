import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpDrain } from './http-drain.ts';

const REQUEST = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const LAST: RequestListener = (_request, response) => {
  response.shouldKeepAlive = false;
  response.end('served');
};

let server: Server;
let drain: HttpDrain;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
});

async function listening(onRequest: RequestListener): Promise<number> {
  server = createServer(onRequest).listen(0, '127.0.0.1');
  drain = new HttpDrain(server);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Everything that comes back until the server closes. */
async function answerOf(socket: Socket): Promise<string> {
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  await once(socket, 'close');
  return answer;
}

describe('a server that drains', () => {
  it('serves every connection that was waiting to be accepted', async () => {
    const port = await listening(LAST);
    const waiting = Array.from({ length: 50 }, () => {
      const socket = dial(port);
      socket.write(REQUEST);
      return answerOf(socket);
    });
    // One turn lets the kernel complete the handshakes; the server has taken one or two of them by then.
    await new Promise(setImmediate);
    expect(await drain.close(5_000)).toBe(true);
    for (const answer of await Promise.all(waiting)) expect(answer).toContain('served');
  });

  it('answers the request of a connection that had none when the port closed', async () => {
    const port = await listening(LAST);
    const socket = dial(port);
    await once(server, 'connection');
    const drained = drain.close(5_000);
    while (server.listening) await new Promise(setImmediate);
    const answer = answerOf(socket);
    socket.write(REQUEST);
    expect(await answer).toContain('served');
    expect(await drained).toBe(true);
  });

  it('takes nobody in once the port is closed, and lets idle connections go', async () => {
    const port = await listening(LAST);
    const idle = dial(port);
    await once(server, 'connection');
    const gone = once(idle, 'close');
    expect(await drain.close(5_000)).toBe(true);
    await gone;
    const late = dial(port);
    const refused = new Promise((resolve) => late.once('error', resolve));
    expect(await refused).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('cuts what is not answered in time', async () => {
    const port = await listening(() => undefined);
    const socket = dial(port);
    socket.write(REQUEST);
    await once(server, 'request');
    const gone = once(socket, 'close');
    expect(await drain.close(50)).toBe(false);
    await gone;
  });
});
