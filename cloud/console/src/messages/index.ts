// The words of the console. zh-CN.ts is the first language and the shape; en.ts must have the same keys with the same
// parameters or it does not compile, so a missing translation cannot reach a screen.

import { type ComputedRef, computed } from 'vue'
import type { Language } from '../format/time'
import { usePreferences } from '../preferences'
import { en } from './en'
import { zhCN } from './zh-CN'

export type Messages = typeof zhCN

const MESSAGES: Record<Language, Messages> = { 'zh-CN': zhCN, en }

export function messagesIn(language: Language): Messages {
  return MESSAGES[language]
}

/** The messages of the chosen language; follows the switch without a reload. */
export function useMessages(): ComputedRef<Messages> {
  const { language } = usePreferences()
  return computed(() => MESSAGES[language.value])
}
