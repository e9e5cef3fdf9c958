import { expect, test } from 'vitest';
import { changeOf, saidBy, withC, withLines } from './change.fixture.ts';

/** The words that were searched for before there was a parser, as they were. */
const WORDS: readonly RegExp[] = [
  /\bASSAY_(READY_FD|PEER_\w+)/,
  /\b(ctypes|cffi)\b/,
  /\b(subprocess|multiprocessing|os\.fork|os\.exec\w*|os\.system|pty)\b/,
  /\b(socket|urllib|requests|http\.client)\b/,
  /\/proc\/|\/sys\//,
  /\b(gc\.get_objects|sys\._getframe|inspect\.stack|sys\.settrace)\b/,
  /\btime\.(time|monotonic|perf_counter)\s*=/,
  /\b(atexit|signal\.signal|sys\.exitfunc)\b/,
  /\b(__import__|importlib|exec|eval|compile)\s*\(/,
];

/** Ways around words, and whether the words found them all the same. */
const EVASIONS: readonly { readonly code: string; readonly wordsSee: boolean; readonly names: string }[] = [
  { code: 'import subprocess', wordsSee: true, names: 'subprocess' },
  { code: 'import os as o\no.system("x")', wordsSee: false, names: 'os.system' },
  { code: 'from os import system as s\ns("x")', wordsSee: false, names: 'os.system' },
  { code: 'getattr(os, "sys" + "tem")("x")', wordsSee: false, names: 'os.system' },
  { code: 'f = os.__dict__["fork"]\nf()', wordsSee: false, names: 'os.fork' },
  { code: 'vars(os).get("ex" "ecv")', wordsSee: false, names: 'os.execv' },
  { code: 'm = __builtins__\nm.__dict__["ev" + "al"]("1")', wordsSee: false, names: 'builtins.eval' },
  { code: 'globals()["__builtins__"]["exec"]("1")', wordsSee: false, names: 'builtins.exec' },
  { code: 'import builtins as b\nrun = b.exec', wordsSee: false, names: 'builtins.exec' },
  { code: 'g = __import__\ng("soc" + "ket")', wordsSee: false, names: 'socket' },
  { code: 'exec("import subpro" + "cess")', wordsSee: true, names: 'subprocess' },
  { code: 'import time as t\nt.monotonic = lambda: 0', wordsSee: false, names: 'time.monotonic =' },
  {
    code: 'setattr(time := __import__("time"), "perf" + "_counter", int)',
    wordsSee: true,
    names: 'time.perf_counter =',
  },
  { code: 'torch.Tensor.double = lambda self: self', wordsSee: false, names: 'torch.Tensor.double =' },
  { code: 'import numpy as np\nnp.allclose = lambda *a, **k: True', wordsSee: false, names: 'numpy.allclose =' },
  { code: 'harness.Clock.fraction = lambda self: 0.0', wordsSee: false, names: 'harness.Clock.fraction =' },
  { code: 'open("/pr" + "oc/self/mem", "rb")', wordsSee: false, names: '/proc/self/mem' },
  { code: 'open("".join(chr(c) for c in [47, 112, 114, 111, 99, 47, 49]))', wordsSee: false, names: '/proc/1' },
  { code: 'P = bytes.fromhex("2f70726f632f73656c662f6d656d").decode()', wordsSee: false, names: '/proc/self/mem' },
  {
    code: 'import base64\nP = base64.b64decode("L3Byb2Mvc2VsZi9tYXBz").decode()',
    wordsSee: false,
    names: '/proc/self/maps',
  },
  { code: 'V = os.environ["ASSAY_" + "READY_FD"]', wordsSee: false, names: 'ASSAY_READY_FD' },
  { code: 'V = os.environ["%s_READY_FD" % "ASSAY"]', wordsSee: false, names: 'ASSAY_READY_FD' },
  { code: 'F = (lambda: 0).__globals__', wordsSee: false, names: '__globals__' },
  {
    code: 'try:\n    1 / 0\nexcept Exception as e:\n    G = e.__traceback__.tb_frame.f_back',
    wordsSee: false,
    names: 'tb_frame',
  },
  { code: 'import functools, os\nrun = functools.partial(os.popen, "x")', wordsSee: false, names: 'os.popen' },
  {
    code: 'import operator\noperator.attrgetter("_getframe")(__import__("sys"))()',
    wordsSee: true,
    names: 'sys._getframe',
  },
  { code: 'class T(torch.Tensor):\n    pass', wordsSee: false, names: 'class (torch.Tensor)' },
  { code: 'import sys\nsys.modules["time"] = None', wordsSee: false, names: 'sys.modules[…] =' },
  { code: 'getattr(os, input())()', wordsSee: false, names: 'getattr(os, …)' },
];

test.each(EVASIONS)('sees through $code', async ({ code, wordsSee, names }) => {
  expect(WORDS.some((pattern) => pattern.test(code))).toBe(wordsSee);
  const said = await saidBy('forbidden-names', withLines(code));
  expect(said).toMatchObject({ finding: 'noted', detail: expect.stringContaining(names) });
});

/** Honest code that the words took for something else. */
test.each([
  ['model = torch.compile(model)', true],
  ['model.eval()', true],
  ['import re\nP = re.compile("x+")', true],
  ['torch.backends.cuda.matmul.allow_tf32 = True', false],
  ['self.data = torch.zeros(3)', false],
  ['def system(x):\n    return x\nsystem(3)', false],
  ['os.makedirs(os.environ["ASSAY_OUTPUT"], exist_ok=True)', false],
  ['X = open(os.environ["ASSAY_DATA"] + "/train.bin", "rb")', false],
  ['X = open("/data/train.bin", "rb")', false],
  ['"""The word subprocess, and /proc/self, in a docstring of no one."""', true],
])('passes %j', async (code, wordsSee) => {
  expect(WORDS.some((pattern) => pattern.test(code))).toBe(wordsSee);
  const said = await saidBy('forbidden-names', withLines(code));
  expect(said).toMatchObject({ finding: 'passed' });
});

test.each([
  ['void f(void) { __asm__("nop"); }', '__asm__'],
  ['void f(void) { fo\\\nrk(); }', 'fork'],
  ['#define P(a, b) a##b\nvoid f(void) { P(fo, rk)(); }', 'fork'],
  ['__attribute__((constructor)) static void early(void) {}', 'constructor'],
  ['__attribute__((__constructor__)) static void early(void) {}', 'constructor'],
  ['[[gnu::ifunc("pick")]] void add2(void);', 'ifunc'],
  ['int clock_gettime(int id, void *t) { return 0; }', 'clock_gettime ='],
  ['#define clock_gettime(a, b) 0', 'clock_gettime ='],
  ['#include "/etc/passwd"', '/etc/passwd'],
  ['#include "../harness.h"', '../harness.h'],
  ['%:include <sys/mman.h>', 'sys/mman.h'],
  ['#define H <dlfcn.h>\n#include H', '#include H'],
  ['__asm__(".inc" "bin \\"/etc/passwd\\"");', '.incbin'],
  ['const char *p = "/pr" "oc/self/maps";', '/proc/self/maps'],
  ['const char *p = "\\x2fproc/self/mem";', '/proc/self/mem'],
  ['static float cache[64];', 'static cache'],
  ['void *s(void *h) { return dlsym(h, "fork"); }', 'dlsym'],
  ['void t(void) { pthread_create(0, 0, 0, 0); }', 'pthread_create'],
  ['#pragma omp parallel for', '#pragma omp'],
])('sees through C: %j', async (code, names) => {
  const said = await saidBy('forbidden-names', withC(code));
  expect(said).toMatchObject({ finding: 'noted', detail: expect.stringContaining(names) });
});

test.each([
  'static inline float f(float x) { return expf(x); }',
  'static const float table[4] = {1, 2, 3, 4};',
  '#include <stdlib.h>\nfloat *f(long n) { return malloc(n); }',
  '/* fork, asm and /proc/self in a comment */',
  '#include <immintrin.h>',
  'float constructor(float x) { return x; }',
])('passes C: %j', async (code) => {
  expect(await saidBy('forbidden-names', withC(code))).toMatchObject({ finding: 'passed' });
});

test('only what the change brings in counts', async () => {
  const { changes, ...input } = changeOf({});
  expect(changes).toEqual([]);
  const before = Buffer.from('import ctypes\nx = 1\n');
  const said = await saidBy(
    'forbidden-names',
    {},
    {
      ...input,
      changes: [{ path: 'train.py', before, after: Buffer.from('import ctypes\nimport socket\nx = 2\n') }],
    },
  );
  expect(said.detail).toContain('socket');
  expect(said.detail).not.toContain('ctypes');
});
