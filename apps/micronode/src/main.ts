import { runNode } from '@macronode/service';
import { micronode } from './index.ts';

await runNode(micronode);
