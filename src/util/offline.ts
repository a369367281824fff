/** @file Whether this process may use the network at all. */

/** Set by `--offline`; the Hub's own variable says the same. */
export function isOffline(env: NodeJS.ProcessEnv = process.env): boolean {
  return [env.MEDTUNE_OFFLINE, env.HF_HUB_OFFLINE].some((value) => /^(1|true|yes|on)$/i.test(value ?? ''))
}

/** How the user asked for it, to be named in a message. */
export function offlineReason(env: NodeJS.ProcessEnv = process.env): string {
  const own = isOffline({ MEDTUNE_OFFLINE: env.MEDTUNE_OFFLINE })
  return own ? '--offline (MEDTUNE_OFFLINE) is set' : 'HF_HUB_OFFLINE is set'
}
