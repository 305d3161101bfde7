import { runService } from '@macronode/service';
import { gatewayService } from './index.ts';

await runService(gatewayService);
