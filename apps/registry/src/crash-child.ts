import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SigningKey } from '@macronode/keys';
import { TestLog, TestSigner } from './log-fixture.ts';

/**
 * Commits one version after another and writes a line about each answer, `C <version> <entry_b3>`. With a step and a
 * count it kills itself at that step of that commit; else `crash.test.ts` kills it in the middle.
 */
const [dataDir = '', step = '', at = '0'] = process.argv.slice(2);
const pem = readFileSync(join(dataDir, 'signer.pem'), 'utf8');
const signer = new TestSigner('org:test#key1', 'ed25519', new SigningKey('ed25519', createPrivateKey(pem)));
let commits = 0;
const log = await TestLog.open({
  members: [signer],
  m: 1,
  dataDir,
  faultPoint: (point) => {
    if (point === 'before append') commits += 1;
    if (point === step && commits === Number(at)) process.kill(process.pid, 'SIGKILL');
  },
});
for (;;) {
  const { committed } = await log.round([signer], log.next([{ id: `n${log.log.head.version}`, kind: 'node' }]));
  process.stdout.write(`C ${committed.version} ${committed.entry_b3}\n`);
}
