import { taskWithPackage } from './environment.fixture.ts';
import { resolveEnvironment } from './resolve-environment.ts';

const [wheels = '', version = '', cacheRoot = ''] = process.argv.slice(2);
const environment = await resolveEnvironment(await taskWithPackage(wheels, version), {
  cacheRoot,
  variables: { PATH: process.env['PATH'] },
  report: ({ message }) => process.stdout.write(`step: ${message}\n`),
});
process.stdout.write(`${environment.how}: ${environment.python}\n`);
