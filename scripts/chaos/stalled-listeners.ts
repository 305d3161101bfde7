import { connect, type Socket } from 'node:net';
import { ROUTES } from '@macronode/contracts';
import { OwnedTable } from './owned-table.ts';

/** A loopback address nobody else asks from: rules about it are about these clients only. */
const ADDRESS = '127.0.0.2';
/**
 * Payload of a packet of an ordinary network. For those of the loopback, forty times as large, the kernel would keep
 * megabytes for each client before its registry had to.
 */
const SEGMENT_BYTES = 1_400;
/** The head of an answer is read up to here and not one byte further. */
const READ_BYTES = 128;
const ANSWER_TIMEOUT_MS = 10_000;

/** Clients of the event stream that are answered with 200 and take nothing after it: what is sent to them does not arrive. */
export class StalledListeners {
  readonly #table: OwnedTable;
  readonly #sockets: readonly Socket[];

  private constructor(table: OwnedTable, sockets: readonly Socket[]) {
    this.#table = table;
    this.#sockets = sockets;
  }

  /** So many at a node; throws when one of them is not answered with 200. */
  static async open(url: string, count: number): Promise<StalledListeners> {
    const { hostname, port, host } = new URL(url);
    const small = `oif lo ip saddr ${ADDRESS} tcp dport ${port} tcp flags syn tcp option maxseg size set ${SEGMENT_BYTES} counter`;
    await using stack = new AsyncDisposableStack();
    const table = await OwnedTable.at('output', [small]);
    stack.defer(() => table.end());
    const sockets: Socket[] = [];
    stack.defer(() => sockets.forEach((socket) => socket.destroy()));
    const answers = Array.from({ length: count }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const socket = connect({
        host: hostname,
        port: Number(port),
        localAddress: ADDRESS,
        // Answering false is what stops the reading.
        onread: {
          buffer: Buffer.alloc(READ_BYTES),
          callback: (length, buffer) => {
            resolve(Buffer.from(buffer.subarray(0, length)).toString('latin1'));
            return false;
          },
        },
      });
      sockets.push(socket);
      socket.on('error', reject);
      socket.setTimeout(ANSWER_TIMEOUT_MS, () => reject(new Error('a stream was not answered')));
      socket.write(`GET ${ROUTES.registryStream.template} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      return promise;
    });
    for (const answer of await Promise.all(answers))
      if (!answer.startsWith('HTTP/1.1 200 '))
        throw new Error(`a stream was answered ${answer.split('\r\n')[0] ?? ''}`);
    await table.add([`oif lo ip daddr ${ADDRESS} tcp sport ${port} counter drop`]);
    stack.move();
    return new StalledListeners(table, sockets);
  }

  async close(): Promise<void> {
    await this.#table.end();
    for (const socket of this.#sockets) socket.destroy();
  }
}
