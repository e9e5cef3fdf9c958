import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { arch, tmpdir } from 'node:os';
import path from 'node:path';
import { campaignFolder, createFolders, type CampaignFolder } from '../../../src/engine/campaign-folder.ts';

const HERE = import.meta.dirname;
const REPOSITORY = path.resolve(HERE, '../../..');
const JUDGE_MODULES = path.join(REPOSITORY, 'python', 'assay_judge');

/** A folder that looks like a campaign's and its surroundings, with a mark in everything that no candidate may read. */
export interface Stage extends AsyncDisposable {
  readonly root: string;
  readonly folder: CampaignFolder;
  /** Folder of the task that tries everything. */
  readonly task: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Files of the host that no candidate may read. */
  readonly files: Readonly<Record<string, string>>;
  /** What was planted, by what it stands for. */
  readonly marks: Readonly<Record<string, string>>;
  /** Writes what the attempts are told. `others`: processes of this machine, by what they are. */
  tell(facts: { readonly others: Readonly<Record<string, number>>; readonly dataDirectory: string }): void;
}

export const SHARED_KEY = 0x41535a31;
/** What the judge's own environment holds, and nobody else's. */
const JUDGE_NOTE = 'note-of-the-judge-4f1c';
const MARKS = {
  'held-out data': 'mark-held-out-91ab',
  'hidden data': 'mark-hidden-02cd',
  'another attempt': 'mark-attempt-77ef',
  'another candidate': 'mark-candidate-55aa',
  'the log': 'mark-log-6b6b',
  'the reference': 'mark-reference-1d1d',
  'a key': 'sk-mark-key-8e8e',
  'a key file': 'mark-key-file-3c3c',
  'the judge': JUDGE_NOTE,
};

export async function stageCampaign(): Promise<Stage> {
  const root = mkdtempSync(path.join(tmpdir(), 'assay-zones-'));
  chmodSync(root, 0o711);
  const folder = campaignFolder(root, 'zones-marked');
  await createFolders(folder);
  const home = path.join(root, 'home');
  const other = path.join(folder.attempts, 't77-1');
  const task = path.join(root, 'task');
  const plant = (file: string, text: string): string => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
    return file;
  };
  const files = {
    'the secret': folder.secret,
    'the log': plant(path.join(folder.root, 'log-of-events'), MARKS['the log']),
    'the attempt of another': plant(path.join(other, 'attempt.json'), MARKS['another attempt']),
    'the output of another': plant(path.join(other, 'output', 'weights'), MARKS['another attempt']),
    'the candidate of another': plant(path.join(root, 'candidates.marked', 'blob'), MARKS['another candidate']),
    'the private key': plant(path.join(home, '.ssh', 'id_ed25519'), MARKS['a key file']),
    'the passwords': plant(path.join(home, '.netrc'), MARKS['a key file']),
    'the reference': plant(path.join(task, 'reference.txt'), MARKS['the reference']),
    "the judge's program": path.join(JUDGE_MODULES, 'language_model.py'),
    "the judge's plan": path.join(JUDGE_MODULES, 'plan.py'),
    "the engine's environment": `/proc/${process.pid}/environ`,
  };
  const inside = {
    'inside: reference': '/task/reference.txt',
    'inside: held-out data': '/data/held.txt',
    'inside: judge': '/assay/assay_judge/language_model.py',
    'inside: result': '/result/result.json',
  };
  layOutTask(task);
  const server = await listen(0);
  const servers = [server, await listen(`\0${path.basename(root)}`)];
  const { port } = server.address() as { port: number };
  const secret = readFileSync(folder.secret, 'utf8').trim();
  const needles = [...Object.values(MARKS), secret, ...['language_model.py', 'plan.py'].map(firstWords)];
  return {
    root,
    folder,
    task,
    files,
    variables: { HOME: home, ASSAY_CACHE: path.join(root, 'cache'), ZONES_API_KEY: MARKS['a key'] },
    marks: { ...MARKS, 'the secret': secret },
    tell({ others, dataDirectory }) {
      const data = {
        'the held-out data': path.join(dataDirectory, 'heldout', 'held.txt'),
        'the hidden data': path.join(dataDirectory, 'hidden', 'hidden.txt'),
      };
      const facts = {
        needles: needles.map((needle) => needle.split('').toReversed().join('')),
        names: ['assay_judge/language_model.py', 'assay_judge/plan.py', 'held.txt', 'hidden.txt', 'reference.txt'],
        files: { ...files, ...data, ...inside },
        own: { candidate: ['/output', '/tmp', '/dev/shm'], host: ['/tmp', '/dev/shm'], judge: ['/result'] },
        closed: { candidate: ['/result', '/task', '/data'], host: ['/result', '/task', '/data', '/output'] },
        calls: deniedCalls(),
        clone: arch() === 'arm64' ? 220 : 56,
        processes: { engine: process.pid, ...others },
        port,
        socket: path.basename(root),
        key: SHARED_KEY,
        campaign: folder.name,
      };
      writeFileSync(path.join(task, 'targets.json'), JSON.stringify(facts));
    },
    async [Symbol.asyncDispose]() {
      for (const each of servers) each.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What a module says of itself: it is found wherever the module can be read. */
function firstWords(module: string): string {
  return (readFileSync(path.join(JUDGE_MODULES, module), 'utf8').split('\n')[0] ?? '').slice(3);
}

function layOutTask(task: string): void {
  for (const name of ['attack.py', 'referee.py'])
    writeFileSync(path.join(task, name), readFileSync(path.join(HERE, name)));
  writeFileSync(path.join(task, 'targets.json'), '{}');
  writeFileSync(path.join(task, 'train.py'), '# Nothing to tune.\n');
  writeFileSync(
    path.join(task, 'make_data.py'),
    [
      'import os, sys',
      `for folder, name, mark in (("train", "seen.txt", "seen"), ("heldout", "held.txt", "${MARKS['held-out data']}"), ("hidden", "hidden.txt", "${MARKS['hidden data']}")):`,
      '    os.makedirs(os.path.join(sys.argv[1], folder))',
      '    open(os.path.join(sys.argv[1], folder, name), "w").write(mark)',
    ].join('\n'),
  );
  writeFileSync(
    path.join(task, 'task.yaml'),
    `
name: zones
objective: { metric: score, direction: minimize }
files: { editable: [train.py], protected: [attack.py, targets.json] }
data: { command: ['{python}', make_data.py, '{out}'], inputs: [make_data.py] }
resources: { cores: 1, memory: 256MiB, processes: 32 }
phases:
  - { name: attack, trust: candidate, command: ['{python}', attack.py, candidate], data: [{ from: train, to: /seen }], timeout: 60 }
  - name: judge
    trust: judge
    command: ['{python}', -P, '{task}/referee.py', '{result}']
    data: [{ from: heldout, to: /data }]
    variables: { ZONES_NOTE: ${JUDGE_NOTE} }
    timeout: 60
    peer: { trust: candidate, command: ['{python}', '{workspace}/attack.py', host] }
`,
  );
}

function deniedCalls(): Record<string, number> {
  const program = 'import json, os, sandbox_seccomp as s; print(json.dumps({**s.denied_calls(os.uname().machine)}))';
  const env = { PATH: process.env['PATH'] ?? '/usr/bin', PYTHONPATH: JUDGE_MODULES, PYTHONDONTWRITEBYTECODE: '1' };
  return JSON.parse(execFileSync('python3', ['-c', program], { env, encoding: 'utf8' })) as Record<string, number>;
}

async function listen(where: number | string): Promise<Server> {
  const server = createServer((socket) => socket.end('hello'));
  if (typeof where === 'number') server.listen(where, '127.0.0.1');
  else server.listen(where);
  await once(server, 'listening');
  return server;
}
