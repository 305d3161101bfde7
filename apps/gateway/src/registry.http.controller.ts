import { RegistryHttpController } from '@macronode/log-http';
import { Controller, UseGuards } from '@nestjs/common';
import { AdmissionGuard } from './admission.guard.ts';

/** The routes of the registry, behind the gate of this gateway. */
@Controller('registry')
@UseGuards(AdmissionGuard)
export class GatewayRegistryController extends RegistryHttpController {}
