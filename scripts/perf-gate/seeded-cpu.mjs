// Loaded into a gateway or a micronode to make each request dearer: the change the gate must not miss.
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';

const READ_EVERY_MS = 50;
const file = process.env['SEEDED_CPU_FILE'];

if (file !== undefined) {
  let micros = 0;
  const read = () => {
    micros = Number(readFileSync(file, 'utf8')) || 0;
  };
  read();
  setInterval(read, READ_EVERY_MS).unref();
  subscribe('http.server.request.start', () => {
    for (const until = performance.now() + micros / 1_000; performance.now() < until;);
  });
}
