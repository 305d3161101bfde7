import { runService } from '@macronode/service';
import { indexService } from './index.ts';

await runService(indexService);
