// One contestant's echo, in a process of its own. It lives as long as the one that started it.
import { CONTESTANTS, isContestant } from './contestants/contestants.ts';
import type { ChildMessage } from './messages.ts';

const [name = '', redisPort, port] = process.argv.slice(2);
if (!isContestant(name)) throw new Error(`there is no contestant '${name}'`);
process.on('disconnect', () => process.exit());
const contestant = await CONTESTANTS[name].load();
await contestant.serve({ redisPort: Number(redisPort), port: Number(port) });
process.send?.({ type: 'ready' } satisfies ChildMessage);
