// Language and theme: remembered in the browser; the language also travels in the URL (`?lang=`), so that a link shared
// with someone opens in the language it was read in.

import { type InjectionKey, inject, type Ref, ref, watchEffect } from 'vue'
import type { Router } from 'vue-router'
import type { Language } from './format/time'

export type Theme = 'dark' | 'light'

export interface Preferences {
  language: Readonly<Ref<Language>>
  theme: Readonly<Ref<Theme>>
  setLanguage(language: Language): void
  toggleTheme(): void
}

const KEY: InjectionKey<Preferences> = Symbol('preferences')
const LANGUAGE_ITEM = 'bellwether.language'
const THEME_ITEM = 'bellwether.theme'

function languageOf(text: unknown): Language | null {
  if (text === 'en') return 'en'
  return text === 'zh-CN' || text === 'zh' ? 'zh-CN' : null
}

export function createPreferences(router: Router, store: Storage) {
  const language = ref<Language>(languageOf(store.getItem(LANGUAGE_ITEM)) ?? 'zh-CN')
  const theme = ref<Theme>(store.getItem(THEME_ITEM) === 'light' ? 'light' : 'dark')

  router.beforeEach((to, from) => {
    const asked = languageOf(to.query.lang)
    if (asked) {
      language.value = asked
      store.setItem(LANGUAGE_ITEM, asked)
      return true
    }
    // A link inside the console does not repeat the language: it is carried over from the page before.
    const carried = languageOf(from.query.lang)
    return carried ? { ...to, query: { ...to.query, lang: carried } } : true
  })

  watchEffect(() => {
    document.documentElement.lang = language.value
    document.documentElement.dataset.theme = theme.value
  })

  const preferences: Preferences = {
    language,
    theme,
    setLanguage(chosen) {
      const { query } = router.currentRoute.value
      void router.replace({ query: { ...query, lang: chosen } })
    },
    toggleTheme() {
      theme.value = theme.value === 'dark' ? 'light' : 'dark'
      store.setItem(THEME_ITEM, theme.value)
    },
  }
  return { key: KEY, preferences }
}

export function usePreferences(): Preferences {
  const preferences = inject(KEY)
  if (!preferences) throw new Error('usePreferences outside the app')
  return preferences
}
