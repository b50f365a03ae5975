import { createApp } from 'vue'
import './styles/tokens.css'
import './styles/base.css'
import App from './App.vue'
import { createClock } from './live/clock'
import { createLive } from './live/live'
import { createPreferences } from './preferences'
import { createConsoleRouter, preloadPages } from './router'

const router = createConsoleRouter()
const { key: preferencesKey, preferences } = createPreferences(router, window.localStorage)
const { key: clockKey, clock } = createClock()
const { key: liveKey, live } = createLive(clock)

createApp(App)
  .use(router)
  .provide(preferencesKey, preferences)
  .provide(clockKey, clock)
  .provide(liveKey, live)
  .mount('#app')

live.start()
preloadPages()
