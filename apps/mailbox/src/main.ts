import { runService } from '@macronode/service';
import { mailboxService } from './index.ts';

await runService(mailboxService);
