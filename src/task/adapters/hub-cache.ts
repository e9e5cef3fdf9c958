import { join } from 'node:path';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the hub's client keeps what it downloaded, as its documentation says: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, home. */
export function hubCache(variables: Variables = process.env): string {
  const { HF_HUB_CACHE: hub, HF_HOME: home, XDG_CACHE_HOME: caches } = variables;
  if (hub) return hub;
  if (home) return join(home, 'hub');
  return caches ? join(caches, 'huggingface', 'hub') : '~/.cache/huggingface/hub';
}

/** Folder in it of a repository such as owner/name. */
export function hubFolder(repository: string, variables?: Variables): string {
  return `${hubCache(variables)}/models--${repository.replace('/', '--')}`;
}
