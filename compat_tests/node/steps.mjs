// What the programs have in common: each step has a name, is printed when it is done, and must not take for ever.

import { strict as assert } from 'node:assert'

export const [bootstrap, prefix] = process.argv.slice(2)
export { assert }

const LONGEST_MS = 30_000

export async function step (name, work) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} took longer than ${LONGEST_MS} ms`)), LONGEST_MS)
  })
  const result = await Promise.race([work(), late])
  clearTimeout(timer)
  console.log(JSON.stringify({ step: name }))
  return result
}

export function fail (error) {
  console.error(error)
  process.exit(1)
}
