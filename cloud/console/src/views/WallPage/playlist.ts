// What the wall shows when: one scene, or several by turns. It lives in the URL, so that a screen is set up once:
// /wall?scenes=all,map,rooms&seconds=30

export const SCENES = ['all', 'links', 'map', 'incidents', 'rooms'] as const
export type Scene = (typeof SCENES)[number]

const SHORTEST_SECONDS = 5
const DEFAULT_SECONDS = 30

export interface Playlist {
  scenes: readonly Scene[]
  seconds: number
}

function isScene(text: string): text is Scene {
  return (SCENES as readonly string[]).includes(text)
}

export function playlistOf(scenes: unknown, seconds: unknown): Playlist {
  const asked = typeof scenes === 'string' ? scenes.split(',').filter(isScene) : []
  const pace = Number(seconds)
  return {
    scenes: asked.length > 0 ? asked : ['all'],
    seconds: Number.isFinite(pace) && pace >= SHORTEST_SECONDS ? pace : DEFAULT_SECONDS,
  }
}

/** The scene at a moment: every screen of a district that plays the same list shows the same scene. */
export function sceneAt({ scenes, seconds }: Playlist, nowMs: number): Scene {
  return scenes[Math.floor(nowMs / 1000 / seconds) % scenes.length] ?? 'all'
}
