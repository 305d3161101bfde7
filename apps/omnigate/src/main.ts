import { runService } from '@macronode/service';
import { omnigateService } from './index.ts';

await runService(omnigateService);
