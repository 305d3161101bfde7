import { gatewayService } from '@macronode/gateway';
import { indexService } from '@macronode/index';
import { mailboxService } from '@macronode/mailbox';
import { omnigateService } from '@macronode/omnigate';
import { registryService } from '@macronode/registry';
import type { AnyServiceDefinition, NodePlan } from '@macronode/service';
import { storageService } from '@macronode/storage';

/** Its routes are the gateway's here: one process has one public port. */
const registry: AnyServiceDefinition = { ...registryService, http: () => undefined };

/** Every service in one process on the in-process link; in memory unless DATA_DIR names a folder. */
export const micronode: NodePlan = {
  name: 'micronode',
  profile: 'micronode',
  services: [gatewayService, omnigateService, indexService, storageService, mailboxService, registry],
};
