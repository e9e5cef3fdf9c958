import type { Command } from 'commander';
import { registerAudit } from './audit.ts';
import { registerBundle } from './bundle.ts';
import { registerCheck } from './check.ts';
import { registerCompletion } from './completion.ts';
import { registerData } from './data.ts';
import { registerDiff } from './diff.ts';
import { registerDoctor } from './doctor.ts';
import { registerEstimate } from './estimate.ts';
import { registerExport } from './export.ts';
import { registerHacks } from './hacks.ts';
import { registerImport } from './import.ts';
import { registerInit } from './init.ts';
import { registerLog } from './log.ts';
import { registerProfile } from './profile.ts';
import { registerRedteam } from './redteam.ts';
import { registerReproduce } from './reproduce.ts';
import { registerResults } from './results.ts';
import { registerResume } from './resume.ts';
import { registerRun } from './run.ts';
import { registerShow } from './show.ts';
import { registerStatus } from './status.ts';
import { registerStop } from './stop.ts';
import { registerTree } from './tree.ts';
import { registerVerify } from './verify.ts';
import { registerWhy } from './why.ts';

/** Every command, by the heading under which the help lists it. */
export const COMMAND_GROUPS: readonly {
  readonly heading: string;
  readonly register: readonly ((program: Command) => void)[];
}[] = [
  { heading: 'Do research:', register: [registerRun, registerResume, registerStop] },
  {
    heading: 'Look at it:',
    register: [
      registerStatus,
      registerResults,
      registerShow,
      registerWhy,
      registerProfile,
      registerDiff,
      registerTree,
      registerLog,
      registerExport,
    ],
  },
  {
    heading: 'Check what was found:',
    register: [registerReproduce, registerAudit, registerRedteam, registerHacks, registerVerify],
  },
  { heading: 'Elsewhere:', register: [registerBundle, registerImport] },
  {
    heading: 'Set up:',
    register: [registerInit, registerCheck, registerData, registerEstimate, registerDoctor, registerCompletion],
  },
];
