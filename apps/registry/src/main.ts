import { runService } from '@macronode/service';
import { registryService } from './index.ts';

await runService(registryService);
