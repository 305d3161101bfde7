import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '@macronode/contracts';
import { announcesBody, awaitsContinue } from './request-body.ts';

const DRAIN_BYTES = LIMITS.drain_bytes.value;
const DRAIN_MS = LIMITS.drain_ms.value;

/**
 * An answer that comes before its request's body was read. Left alone, the rest of the body would be taken for the next
 * request, or the close would reset the connection before the client has read the answer. So: a short rest is read
 * and thrown away and the connection lives on; a long one, or one the client still holds back, ends the connection.
 * Call it before the header is sent.
 */
export function settleUnreadBody(request: IncomingMessage, response: ServerResponse): 'keep' | 'close' {
  if (request.complete || !announcesBody(request)) return 'keep';
  const declared = Number(request.headers['content-length'] ?? Infinity);
  const keep = !awaitsContinue(request) && declared <= DRAIN_BYTES;
  if (keep) response.once('finish', () => drain(request));
  else lingerAtClose(request);
  return keep ? 'keep' : 'close';
}

/** Reads and throws away what is left, at most DRAIN_BYTES and DRAIN_MS of it; then the connection goes. */
function drain(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete && request.readableEnded) return;
  let left = DRAIN_BYTES;
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS);
  // Off the socket too: it outlives many requests.
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('close', stop);
  };
  request.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) socket.destroy();
  });
  request.once('end', stop);
  request.once('close', stop);
  socket.once('close', stop);
  request.resume();
}

/**
 * Node destroys the socket right after an answer with `Connection: close`; bytes still on their way then make the
 * kernel send a reset, which can overtake the answer. The half-closed socket reads on for a moment first.
 */
function lingerAtClose(request: IncomingMessage): void {
  const { socket } = request;
  socket.destroySoon = () => {
    socket.end();
    request.once('end', () => socket.destroy());
    drain(request);
  };
}
