import { runService } from '@macronode/service';
import { storageService } from './index.ts';

await runService(storageService);
