// Loaded before a node that is to be slower on purpose: each HTTP request costs it so much CPU time more.
import { Server } from 'node:http';

const TRIALS = 50;
const TURNS_PER_TRIAL = 200_000;
const MICROS_PER_MS = 1_000;

/** @type {number | undefined} */
let turnsPerMicro;
let turnsPerRequest = 0;
let sink = 1;
process.on('message', (/** @type {{ spinMicros?: number }} */ { spinMicros }) => {
  if (spinMicros === undefined) return;
  turnsPerMicro ??= measureTurnsPerMicro();
  turnsPerRequest = Math.round(spinMicros * turnsPerMicro);
});
// The channel alone keeps nobody running.
process.channel?.unref();

/** @param {number} turns */
function spin(turns) {
  for (let left = turns; left > 0; left -= 1) sink = Math.imul(sink ^ left, 0x9e3779b1) >>> 1;
}

/**
 * Work is counted, not time: the kernel may account for CPU time in steps of milliseconds, and by the clock a process that is
 * not scheduled would do less. The fastest of many trials is the one nobody interrupted.
 */
function measureTurnsPerMicro() {
  let fastestMs = Infinity;
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const startedAt = performance.now();
    spin(TURNS_PER_TRIAL);
    fastestMs = Math.min(fastestMs, performance.now() - startedAt);
  }
  return TURNS_PER_TRIAL / (fastestMs * MICROS_PER_MS);
}
const { emit } = Server.prototype;
/** @this {Server} @param {string | symbol} event @param {readonly unknown[]} args */
Server.prototype.emit = function (event, ...args) {
  if (event === 'request') spin(turnsPerRequest);
  return Reflect.apply(emit, this, [event, ...args]);
};
