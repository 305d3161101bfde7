// One client of one contestant, in a process of its own. Each order it gets is one window; it lives as long as the one that started it.
import { CONTESTANTS, isContestant } from './contestants/contestants.ts';
import { LoadWindow } from './load-loops.ts';
import type { ChildMessage, WindowOrder } from './messages.ts';

const [name = '', redisPort, port] = process.argv.slice(2);
if (!isContestant(name)) throw new Error(`there is no contestant '${name}'`);
process.on('disconnect', () => process.exit());
const contestant = await CONTESTANTS[name].load();
const client = await contestant.connect({ redisPort: Number(redisPort), port: Number(port) });
const tell = (message: ChildMessage): void => void process.send?.(message);

process.on('message', (order: WindowOrder) => {
  void new LoadWindow(client, order).run((type) => tell({ type })).then((report) => tell({ type: 'report', report }));
});
tell({ type: 'ready' });
