import { createApp } from 'vue'
import './styles/tokens.css'
import './styles/base.css'
import App from './App.vue'
import { createClock } from './live/clock'
import { createLive } from './live/live'
import { createPreferences } from './preferences'
import { createConsoleRouter, preloadPages } from './router'
import { createPast } from './time/past'

const router = createConsoleRouter()
const { key: preferencesKey, preferences } = createPreferences(router, window.localStorage)
const { key: clockKey, clock } = createClock()
const { key: pastKey, past } = createPast(router, clock)
const { key: liveKey, live } = createLive(clock, () => past.shown.value !== null)

createApp(App)
  .use(router)
  .provide(preferencesKey, preferences)
  .provide(clockKey, clock)
  .provide(pastKey, past)
  .provide(liveKey, live)
  .mount('#app')

live.start()
preloadPages()
