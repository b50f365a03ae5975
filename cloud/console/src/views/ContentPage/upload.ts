// Uploads one file as a blob named by its SHA-256: hashed here, then only what the centre lacks, in ranges.
// The hash is our own code's, as browsers offer theirs to https and localhost alone.

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { missingOfBlob, putRange } from '../../api/content'

const READ_BYTES = 4 * 1024 * 1024
const SEND_BYTES = 8 * 1024 * 1024

export interface Progress {
  step: 'hashing' | 'sending' | 'done'
  /** 0 to 1 of the step. */
  ratio: number
}

export interface Uploaded {
  sha256: string
  sentBytes: number
}

export async function hashOf(
  file: Blob,
  tell: (ratio: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const hash = sha256.create()
  for (let at = 0; at < file.size; at += READ_BYTES) {
    signal.throwIfAborted()
    hash.update(new Uint8Array(await file.slice(at, at + READ_BYTES).arrayBuffer()))
    tell(Math.min(1, (at + READ_BYTES) / file.size))
  }
  return bytesToHex(hash.digest())
}

/** Cuts the ranges that are missing into pieces of one request each; ends are exclusive. */
export function pieces(missing: readonly (readonly number[])[], most = SEND_BYTES): [number, number][] {
  const found: [number, number][] = []
  for (const [first = 0, end = 0] of missing) {
    for (let at = first; at < end; at += most) found.push([at, Math.min(end, at + most)])
  }
  return found
}

/** Brings a file to the centre; begun again it goes on where it was. Raises ApiError. */
export async function upload(
  file: File,
  token: string,
  tell: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  const name = await hashOf(file, (ratio) => tell({ step: 'hashing', ratio }), signal)
  const { missing } = await missingOfBlob(name, file.size, signal)
  const todo = file.size === 0 && missing.length ? [[0, 0] as [number, number]] : pieces(missing)
  const total = todo.reduce((sum, [first, end]) => sum + end - first, 0)
  let sentBytes = 0
  for (const [first, end] of todo) {
    await putRange(
      name,
      file.slice(first, end),
      { first, end, total: file.size, type: file.type },
      token,
      signal,
    )
    sentBytes += end - first
    tell({ step: 'sending', ratio: total ? sentBytes / total : 1 })
  }
  tell({ step: 'done', ratio: 1 })
  return { sha256: name, sentBytes }
}
