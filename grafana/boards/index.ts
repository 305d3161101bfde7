import type { Board } from '../panel.ts';
import { gatewayBoard } from './gateway.ts';
import { omnigateBoard } from './omnigate.ts';
import { overview } from './overview.ts';

/** Every dashboard, in the order people read them. */
export const BOARDS: readonly Board[] = [overview, gatewayBoard, omnigateBoard];
