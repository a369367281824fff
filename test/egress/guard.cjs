/**
 * @file Preloaded into every process and thread (`NODE_OPTIONS=--require`): a socket or a look-up that would leave
 * this machine is written to the file MEDTUNE_EGRESS_LOG and throws where it was asked for.
 */
const { appendFileSync } = require('node:fs')
const net = require('node:net')
const dgram = require('node:dgram')
const dns = require('node:dns')

/** Loopback addresses, and the name that stands for them. An empty host means localhost too. */
function isLocal(host) {
  const name = String(host ?? '').replace(/^\[|\]$/g, '')
  if (name === '' || name === 'localhost' || name === '::1') return true
  return net.isIPv4(name) ? name.startsWith('127.') : /^::ffff:127\./i.test(name)
}

function refuse(what) {
  const error = new Error(`no egress: ${what}`)
  appendFileSync(process.env.MEDTUNE_EGRESS_LOG, `${JSON.stringify({ what, stack: error.stack })}\n`)
  throw error
}

/** Puts a check in front of `object[name]`; `hostOf` finds the host in its arguments, or null where there is none. */
function watch(object, name, hostOf) {
  const original = object[name]
  if (typeof original !== 'function') return
  object[name] = function watched(...args) {
    const host = hostOf(args)
    if (host !== null && !isLocal(host)) refuse(`${name} ${host}`)
    return original.apply(this, args)
  }
}

/** `connect(options)`, `connect(port, host)`, `connect(path)`; net.connect itself passes its arguments in one list. */
function hostOfConnect(args) {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0]
  if (first !== null && typeof first === 'object') return first.path ? null : first.host
  return Number.isNaN(Number(first)) ? null : typeof args[1] === 'string' ? args[1] : ''
}

/** An address needs no look-up: whoever connects to it is met there. */
const hostOfLookup = ([host]) => (net.isIP(String(host)) ? null : host)

watch(net.Socket.prototype, 'connect', hostOfConnect)
watch(dgram.Socket.prototype, 'connect', (args) => (typeof args[1] === 'string' ? args[1] : ''))
watch(dgram.Socket.prototype, 'send', (args) => args.slice(1).find((arg) => typeof arg === 'string') ?? '')
for (const place of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  for (const name of Object.keys(place)) if (/^(lookup|resolve)/.test(name)) watch(place, name, hostOfLookup)
  for (const name of Object.getOwnPropertyNames(place)) {
    if (/^resolve/.test(name) && !Object.keys(place).includes(name)) watch(place, name, hostOfLookup)
  }
}
