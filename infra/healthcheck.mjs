// Asks the ops port of this container whether the service is ready. Exit code 0 = ready.
const port = process.env['OPS_PORT'];
if (!port) {
  console.error('OPS_PORT is not set');
  process.exit(1);
}
const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_500) }).catch(
  (error) => error,
);
if (!(answer instanceof Response) || !answer.ok) {
  console.error(answer instanceof Response ? await answer.text() : String(answer));
  process.exit(1);
}
