import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { MINIMAL_TASK, TRAIN, temporaryFolder } from './load-task.fixture.ts';
import { loadTask } from './load-task.ts';
import { TaskError, describeProblem } from './problem.ts';

/** The lines that the loader answers with; none if the task is right. */
async function mistakes(yaml: string, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  await using folder = await temporaryFolder({
    'task.yaml': yaml,
    'train.py': TRAIN,
    'harness.py': 'X = 1\n',
    ...files,
  });
  return await mistakesIn(folder.path);
}

async function mistakesIn(path: string): Promise<readonly string[]> {
  try {
    await loadTask(path);
    return [];
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    return error.problems.map(describeProblem);
  }
}

const RICH_TASK = `${MINIMAL_TASK}title: Tiny
starts:
  vanilla: {}
  strong: {overlay: starts/strong}
environment: {requirements: [numpy==2.3.4], imports: [numpy]}
data: {command: ["{python}", prepare.py, "{out}"], inputs: [prepare.py]}
resources: {memory: 512MiB, output: 4kB}
range: {low: 0.2}
patterns: patterns/*.yaml
`;
const RICH_FILES = {
  'train.py': TRAIN,
  'starts/strong/train.py': 'LEARNING_RATE = 3e-3\nWIDTH = 64\n',
  'prepare.py': '',
  'patterns/wide.yaml':
    'id: wide\ntitle: Wide\nrationale: More.\npredicted_gain: [0.1, 0.2]\nedits: [{file: train.py, find: WIDTH = 64, replace: WIDTH = 128}]\n',
};

describe('a right task', () => {
  test('needs only a name, an objective, an editable file and a phase of the judge', async () => {
    await using folder = await temporaryFolder({ 'task.yaml': MINIMAL_TASK, 'train.py': TRAIN });
    const task = await loadTask(folder.path);
    expect(task.starts).toEqual(['default']);
    expect(task.title).toBe('tiny');
    expect(task.spec.resources).toEqual({
      cores: 1,
      gpus: 0,
      memoryBytes: 4 * 2 ** 30,
      diskBytes: 2 ** 30,
      processes: 64,
      outputBytes: 2 ** 20,
      exclusive: true,
    });
    expect([...task.filesFor().keys()]).toEqual(['train.py']);
    expect(task.isEditable('train.py')).toBe(true);
    expect(task.isEditable('judge.py')).toBe(false);
  });

  test('lays the overlay of a starting point over the editable files', async () => {
    await using folder = await temporaryFolder({ 'task.yaml': RICH_TASK, ...RICH_FILES });
    const task = await loadTask(folder.path);
    expect(task.starts).toEqual(['vanilla', 'strong']);
    expect(task.filesFor().get('train.py')?.toString()).toContain('1e-3');
    expect(task.filesFor('strong').get('train.py')?.toString()).toContain('3e-3');
    expect(() => task.filesFor('stong')).toThrow("no starting point 'stong'");
    expect(task.spec.resources.memoryBytes).toBe(512 * 2 ** 20);
    expect(task.patterns[0]?.predictedGain).toEqual({ low: 0.1, high: 0.2 });
  });

  test('has a hash that follows content, not layout', async () => {
    const hashOf = async (yaml: string, files: Readonly<Record<string, string>> = {}): Promise<string> => {
      await using folder = await temporaryFolder({ 'task.yaml': yaml, 'train.py': TRAIN, ...files });
      return (await loadTask(folder.path)).hash;
    };
    const hash = await hashOf(MINIMAL_TASK);
    expect(await hashOf(`# A comment.\n${MINIMAL_TASK}`, { 'notes.txt': 'not of the task' })).toBe(hash);
    expect(await hashOf(MINIMAL_TASK, { 'train.py': `${TRAIN}# A comment.\n` })).not.toBe(hash);
    expect(await hashOf(`${MINIMAL_TASK}range: {low: 0}\n`)).not.toBe(hash);
  });

  test('keeps the order and the thresholds out of the workspace even under a glob for everything', async () => {
    await using folder = await temporaryFolder({
      'task.yaml': RICH_TASK.replace('[train.py]', "[train.py]\n  protected: ['[!t]*', '**/*.txt']"),
      ...RICH_FILES,
      'a/b.txt': '',
    });
    const paths = [...(await loadTask(folder.path)).filesFor().keys()];
    expect(paths).toEqual(['train.py', 'prepare.py', 'a/b.txt']);
  });
});

describe('a wrong task answers with file, line, column, path, what is there, what should be, and what to do', () => {
  const insert = (line: string): string => `${MINIMAL_TASK}${line}\n`;
  const phase = (extra: string): string => `${MINIMAL_TASK.trimEnd()}\n${extra}\n`;
  const table: readonly [title: string, yaml: string, expected: readonly string[]][] = [
    [
      'unknown key',
      insert('objektive: {}'),
      [
        "task.yaml:9:1 objektive: found the unknown key 'objektive', expected one of name, title, description, objective, files, source, starts, environment, data, resources, seeds, phases, judge, claim, range, guards, validity, audits, knobs, patterns. Did you mean 'objective'?",
      ],
    ],
    [
      'unknown inner key',
      insert('resources: {core: 2}'),
      [
        "task.yaml:9:13 resources.core: found the unknown key 'core', expected one of cores, gpus, gpu, memory, disk, processes, threads, output, exclusive. Did you mean 'cores'?",
      ],
    ],
    [
      'unknown key in a list',
      phase('    buget: {limit: 3}'),
      [
        "task.yaml:9:5 phases[0].buget: found the unknown key 'buget', expected one of name, trust, command, data, variables, output, budget, timeout, stages, peer, exchange. Did you mean 'budget'?",
      ],
    ],
    [
      'an exchange without a peer',
      phase('    exchange: true'),
      [
        'task.yaml:9:15 phases[0].exchange: found true, expected false in a phase without a peer. It is shared with the peer: describe one, or leave the exchange out',
      ],
    ],
    [
      'a path where the name of a program belongs',
      insert('environment: {programs: [/usr/bin/cc]}'),
      ["task.yaml:9:26 environment.programs[0]: found '/usr/bin/cc', expected the name of a program, such as cc"],
    ],
    [
      'missing key',
      MINIMAL_TASK.replace('metric: loss, ', ''),
      [
        "task.yaml:2:1 objective.metric: missing, expected a text. The number that the judge's result is about, such as val_bpb.",
      ],
    ],
    [
      'missing section',
      MINIMAL_TASK.replace('name: tiny\n', ''),
      ['task.yaml:1:1 name: missing, expected a text. Short name: folder of results, command line.'],
    ],
    [
      'wrong word',
      MINIMAL_TASK.replace('minimize', 'minimise'),
      [
        "task.yaml:2:38 objective.direction: found 'minimise', expected 'minimize' or 'maximize'. Did you mean 'minimize'?",
      ],
    ],
    [
      'wrong type',
      insert('guards: 3'),
      ['task.yaml:9:9 guards: found 3, expected a list. Limits on other numbers of the result.'],
    ],
    [
      'a number for a text',
      MINIMAL_TASK.replace('[train.py]', '[7]'),
      ['task.yaml:4:14 files.editable[0]: found 7, expected a text. Quote it: "7"'],
    ],
    [
      'bad size',
      insert('resources: {memory: 4 gigs}'),
      [
        "task.yaml:9:21 resources.memory: found '4 gigs', expected a size above 0, such as 4GiB or 512MiB (a number is bytes). Memory of all processes of a phase together.",
      ],
    ],
    [
      'bad duration',
      phase('    timeout: soon'),
      [
        "task.yaml:9:14 phases[0].timeout: found 'soon', expected a duration above 0, such as 90, 90s, 5m or 500ms (a number is seconds). Seconds from the start of the process to its end, start-up included.",
      ],
    ],
    [
      'a size of nothing',
      insert('resources: {memory: 0GiB}'),
      [
        "task.yaml:9:21 resources.memory: found '0GiB', expected a size above 0, such as 4GiB or 512MiB (a number is bytes). Memory of all processes of a phase together.",
      ],
    ],
    [
      'number out of range',
      insert('validity: {confirm_level: 1.5}'),
      [
        "task.yaml:9:27 validity.confirm_level: found 1.5, expected a number below 1. Level of the confirming test of 'no gain'.",
      ],
    ],
    [
      'empty value',
      insert('guards:'),
      ['task.yaml:9:8 guards: found nothing, expected a list. Limits on other numbers of the result.'],
    ],
    [
      'duplicate key',
      insert('name: other'),
      ["task.yaml:9:1: found 'name' a second time, expected each key once. Remove one of the two"],
    ],
    [
      'YAML syntax',
      'name: [a\nb: 1',
      [
        'task.yaml:2:1: found a mistake in the YAML (Flow sequence in block collection must be sufficiently indented and end with a ]), expected YAML 1.2',
      ],
    ],
    [
      'not a mapping',
      '- a',
      ['task.yaml:1:1: found a list, expected a mapping with name, objective, files and phases'],
    ],
    [
      'a file that is not there',
      MINIMAL_TASK.replace('[train.py]', '[trian.py]'),
      [
        "task.yaml:4:14 files.editable[0]: found 'trian.py', which matches nothing, expected a file or glob in the task's folder. Did you mean 'train.py'?",
      ],
    ],
    [
      'a path that leaves the folder',
      MINIMAL_TASK.replace('[train.py]', '[../train.py]'),
      [
        "task.yaml:4:14 files.editable[0]: found '../train.py', expected a path from the task's folder, without '..', a leading or a closing '/'",
      ],
    ],
    [
      'editable and protected',
      MINIMAL_TASK.replace('[train.py]', '[train.py]\n  protected: ["*.py"]'),
      [
        'task.yaml:5:14 files.protected: found train.py, expected no file that is editable too. Narrow one of the globs',
      ],
    ],
    [
      'missing overlay',
      insert('starts: {strong: {overlay: strong}}'),
      ["task.yaml:9:28 starts.strong.overlay: found 'strong', expected a folder with files in the task's folder"],
    ],
    [
      'bad start name',
      insert('starts: {1st: {}}'),
      [
        "task.yaml:9:10 starts.1st: found the key '1st', expected a name of small letters, digits, dashes and underscores",
      ],
    ],
    [
      'missing patterns',
      insert('patterns: patterns/*.yaml'),
      [
        "task.yaml:9:11 patterns: found 'patterns/*.yaml', which matches nothing, expected a file or glob in the task's folder",
      ],
    ],
    [
      'missing requirements file',
      insert('environment: {requirements: requirements.txt}'),
      ["task.yaml:9:29 environment.requirements: found 'requirements.txt', expected a file in the task's folder"],
    ],
    [
      'bad requirement',
      insert('environment: {requirements: ["torch = 2"]}'),
      ["task.yaml:9:30 environment.requirements[0]: found 'torch = 2', expected a package such as torch==2.13.0"],
    ],
    [
      'two phases with one name',
      phase('  - {name: judge, command: [x]}'),
      ["task.yaml:9:12 phases[1].name: found 'judge', expected a name that no earlier phase has"],
    ],
    [
      'no judge',
      MINIMAL_TASK.replace('trust: judge', 'trust: candidate'),
      [
        'task.yaml:6:3 phases: found none that writes the result, expected a phase with trust: judge and {result} in its command. A number that a candidate prints is only a claim; the judge must measure for itself',
        "task.yaml:8:37 phases[0].command[2]: found {result}, expected one of {python}, {seed}, {stage}, {workspace}, {output}, {package:NAME}. A plain brace is written '{{'",
      ],
    ],
    [
      'a judge that is away at some stages',
      MINIMAL_TASK.replace('trust: judge', 'trust: judge\n    stages: [screen, replicate]'),
      [
        'task.yaml:6:3 phases: found none that writes the result at baseline, confirm, final, expected a phase with trust: judge and {result} in its command. A number that a candidate prints is only a claim; the judge must measure for itself',
      ],
    ],
    [
      'a candidate that is away at some stages',
      phase(
        '  - {name: train, stages: [baseline, replicate, confirm], budget: { limit: 1 }, timeout: 60, command: [x]}',
      ),
      [
        'task.yaml:6:3 phases: found none with a budget at screen, final, expected a phase with trust: candidate and a budget at every stage, as at the others. Add those stages to the stages of the phase that runs the candidate',
      ],
    ],
    [
      'a judge that profiles',
      phase("  - {name: look, trust: judge, stages: [profile], command: [x, '{result}']}"),
      [
        "task.yaml:9:40 phases[1].stages: found a list, expected 'profile' for a candidate alone. A profile is what the candidate says of itself; a judge measures in trials",
      ],
    ],
    [
      'a peer without judge',
      phase('  - {name: train, command: [x], peer: {command: [y]}}'),
      [
        'task.yaml:9:39 phases[1].peer: found a mapping, expected no peer in a phase with trust: candidate. Only a judge may have a peer: trust: judge',
      ],
    ],
    [
      'unknown placeholder',
      MINIMAL_TASK.replace('{python}', '{pyhton}'),
      [
        "task.yaml:8:15 phases[0].command[0]: found {pyhton}, expected one of {python}, {seed}, {stage}, {workspace}, {output}, {result}, {task}, {package:NAME}. Did you mean '{python}'?",
      ],
    ],
    [
      'unknown package',
      MINIMAL_TASK.replace('judge.py', '"{package:no-such-package}"'),
      [
        "task.yaml:8:27 phases[0].command[1]: found {package:no-such-package}, expected an installed npm package, 'no-such-package' is not. Install it beside Assay: npm install no-such-package",
      ],
    ],
    [
      'timeout within the budget',
      phase('    budget: {limit: 60}\n    timeout: 60'),
      [
        'task.yaml:10:14 phases[0].timeout: found 60, expected more than budget and grace together (60.5 s). The timeout counts the start of the process too, so leave room for it',
      ],
    ],
    [
      'data that nobody prepares',
      phase('    data: [{from: train, to: /data}]'),
      [
        "task.yaml:9:19 phases[0].data[0].from: found 'train', expected prepared data, the task has none. Add a section 'data' with the command that prepares it",
      ],
    ],
    [
      'held-out data for the candidate',
      phase(
        '    data: [{from: a/heldout, to: /data}]\n  - {name: train, command: [x], data: [{from: a, to: /data}]}\ndata: {command: [x, "{out}"]}',
      ),
      [
        "task.yaml:10:47 phases[1].data[0].from: found 'a', expected a folder without 'a/heldout', which the judge holds. Mount only the folders that the candidate needs",
      ],
    ],
    [
      'a claim without groups',
      insert('claim: {pattern: "loss=(.*)"}'),
      [
        "task.yaml:9:18 claim.pattern: found 'loss=(.*)', expected two groups, for name and number (it has 1), or named groups",
      ],
    ],
    [
      'a final line of groups that the pattern has not',
      insert('claim: {pattern: "(?<step>.)/(?<total>.)", final: [step, all]}'),
      ["task.yaml:9:58 claim.final[1]: found 'all', expected a named group of the pattern"],
    ],
    [
      'an empty range',
      insert('range: {low: 2, high: 1}'),
      ["task.yaml:9:23 range.high: found 1, expected a number above 'low' (2)"],
    ],
    [
      'a guard twice',
      insert('guards: [{metric: a, max: 1}, {metric: a, min: 0}]'),
      [
        "task.yaml:9:40 guards[1].metric: found 'a', expected a metric that no earlier guard has. Put 'min' and 'max' into one guard",
      ],
    ],
    [
      'a guard of nothing',
      insert('guards: [{metric: a}]'),
      ["task.yaml:9:10 guards[0]: found neither 'min' nor 'max', expected a limit"],
    ],
    [
      'a logarithm of nothing',
      insert('knobs: {set: {A: {low: 0, high: 1, scale: log}}}'),
      ["task.yaml:9:24 knobs.set.A.low: found 0, expected a number above 0 with 'scale: log'"],
    ],
  ];
  test.each(table)('%s', async (_, yaml, expected) => {
    expect(await mistakes(yaml)).toEqual(expected);
  });

  test('all at once, in the order of the file', async () => {
    const yaml = MINIMAL_TASK.replace('minimize', 'less')
      .replace('[train.py]', '[train.py, gone.py]')
      .replace('{python}', '{snake}');
    expect((await mistakes(`${yaml}tittle: x\n`)).map((line) => line.split(' ')[0])).toEqual([
      'task.yaml:2:38',
      'task.yaml:4:24',
      'task.yaml:8:15',
      'task.yaml:9:1',
    ]);
  });

  test('in its patterns too', async () => {
    const pattern = (find: string, more = ''): string =>
      `id: a\ntitle: A\nrationale: B\nedits: [{file: train.py, find: '${find}', replace: x}]\n${more}`;
    const files = {
      'p/a.yaml': pattern('WIDTH = 65'),
      'p/b.yaml': pattern('WIDTH = 64'),
      'p/c.yaml': pattern('x', 'sourse: y\n'),
      'p/d.yaml': pattern('WIDTH = 64').replace('train.py', 'harness.py').replace('id: a', 'id: d'),
    };
    expect(await mistakes(insert('patterns: [p/*.yaml]'), files)).toEqual([
      "p/a.yaml:4:32 edits[0].find: found a text that occurs 0 times in train.py of the starting points, expected a pattern that fits one of them: each 'find' exactly once, its 'replace' not at all",
      "p/b.yaml:1:5 id: found 'a', expected an id that no other pattern has",
      "p/c.yaml:5:1 sourse: found the unknown key 'sourse', expected one of id, title, kind, source, rationale, predicted_gain, edits. Did you mean 'source'?",
      "p/d.yaml:4:16 edits[0].file: found 'harness.py', expected an editable file",
    ]);
  });

  test('a link out of the folder is not followed', async () => {
    await using folder = await temporaryFolder({ 'task.yaml': MINIMAL_TASK });
    await using elsewhere = await temporaryFolder({ 'secret.py': '' });
    await symlink(join(elsewhere.path, 'secret.py'), join(folder.path, 'train.py'));
    expect(await mistakesIn(folder.path)).toEqual([
      `task.yaml:4:14 files.editable[0]: found train.py, a link to ${join(elsewhere.path, 'secret.py')}, outside the task's folder, expected a file in the task's folder`,
    ]);
  });
});

test('a folder that is no task says where tasks are', async () => {
  await using folder = await temporaryFolder();
  await expect(loadTask(folder.path)).rejects.toMatchObject({
    code: 'task-missing',
    message: `${folder.path} is no task: it has no task.yaml`,
  });
  await expect(loadTask(join(folder.path, 'gone'))).rejects.toMatchObject({ code: 'task-missing' });
});
