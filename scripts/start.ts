// npm start: the micronode in this process. Flags are the settings of the node: --port is PORT, --data is DATA_DIR.
import { runNode } from '@macronode/service';
import { micronode } from '@macronode/micronode';

// A node for one person at one machine: nothing from outside, and a terminal that stays readable.
process.env['HTTP_HOST'] ||= '127.0.0.1';
process.env['LOG_LEVEL'] ||= 'warn';

const node = await runNode(micronode);
if (node?.httpUrl !== undefined) {
  const { httpUrl, opsUrl } = node;
  process.stdout.write(`
The micronode is ready ${(performance.now() / 1000).toFixed(2)} s after its start.

  API      ${httpUrl}        (described at ${httpUrl}/openapi.json)
  console  ${opsUrl}/console
  ops      ${opsUrl}        (/healthz /readyz /version /metrics)
  data     ${dataDescription()}

Try:

  curl -s -X POST --data-binary 'hello world' ${httpUrl}/o
  curl -i ${httpUrl}/o/b3:d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24
  curl -s ${httpUrl}/registry/head
  curl -s ${opsUrl}/readyz

Ctrl-C stops it.
`);
}

function dataDescription(): string {
  const at = process.argv.findIndex((arg) => arg === '--data' || arg.startsWith('--data='));
  const flag = at === -1 ? undefined : (process.argv[at]?.split('=')[1] ?? process.argv[at + 1]);
  const folder = flag ?? process.env['DATA_DIR'];
  return folder ? `kept in ${folder}` : 'in memory only, gone when it stops; --data DIR keeps it';
}
