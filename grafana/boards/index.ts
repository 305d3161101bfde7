import type { Board } from '../panel.ts';
import { busBoard } from './bus/board.ts';
import { gatewayBoard } from './gateway/board.ts';
import { loadBoard } from './load.ts';
import { mailboxBoard } from './mailbox.ts';
import { indexBoard } from './name-index.ts';
import { meshBoard } from './mesh/board.ts';
import { omnigateBoard } from './omnigate.ts';
import { overview } from './overview.ts';
import { registryBoard } from './registry/board.ts';
import { resourcesBoard } from './resources/board.ts';
import { storageBoard } from './storage.ts';

/** Every dashboard, in the order people read them. */
export const BOARDS: readonly Board[] = [
  overview,
  gatewayBoard,
  omnigateBoard,
  busBoard,
  storageBoard,
  indexBoard,
  mailboxBoard,
  registryBoard,
  meshBoard,
  resourcesBoard,
  loadBoard,
];
