import { createRouter, createWebHistory } from 'vue-router'
import OverviewPage from './views/OverviewPage.vue'

declare module 'vue-router' {
  interface RouteMeta {
    /** Which entry of the rail is lit, and whose title the tab shows. */
    section:
      | 'overview'
      | 'incidents'
      | 'links'
      | 'schools'
      | 'classes'
      | 'terminals'
      | 'checks'
      | 'map'
      | 'agents'
      | 'content'
      | 'quarantine'
      | 'maintenance'
      | 'notifications'
      | 'wall'
      | 'missing'
    /** Whether the page can show a moment of the past; others show now and say so. */
    follows?: true
  }
}

// The overview comes with the first load, the others (and the charts with them) after it: see `preloadPages`.
const PAGES = {
  incidents: () => import('./views/IncidentsPage.vue'),
  incident: () => import('./views/IncidentPage.vue'),
  links: () => import('./views/LinksPage.vue'),
  link: () => import('./views/LinkPage.vue'),
  schools: () => import('./views/SchoolsPage.vue'),
  school: () => import('./views/SchoolPage.vue'),
  classes: () => import('./views/ClassesPage.vue'),
  class: () => import('./views/ClassPage.vue'),
  principal: () => import('./views/PrincipalPage.vue'),
  device: () => import('./views/DevicePage.vue'),
  port: () => import('./views/PortPage.vue'),
  classroom: () => import('./views/ClassroomPage.vue'),
  checks: () => import('./views/CheckPage.vue'),
  map: () => import('./views/MapPage.vue'),
  terminals: () => import('./views/TerminalsPage.vue'),
  agents: () => import('./views/AgentsPage.vue'),
  agent: () => import('./views/AgentPage.vue'),
  content: () => import('./views/ContentPage.vue'),
  quarantine: () => import('./views/QuarantinePage.vue'),
  maintenance: () => import('./views/MaintenancePage.vue'),
  notifications: () => import('./views/NotificationsPage.vue'),
  wall: () => import('./views/WallPage.vue'),
  missing: () => import('./views/MissingPage.vue'),
}

/** Fetch every page when the browser is idle: a page must open, and say why it has no data, while the centre is away. */
export function preloadPages(): void {
  const load = () => {
    for (const page of Object.values(PAGES)) void page().catch(() => undefined)
  }
  if ('requestIdleCallback' in window) window.requestIdleCallback(load, { timeout: 3000 })
  else setTimeout(load, 1000)
}

export function createConsoleRouter() {
  return createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', component: OverviewPage, meta: { section: 'overview', follows: true } },
      { path: '/incidents', component: PAGES.incidents, meta: { section: 'incidents', follows: true } },
      { path: '/incidents/:id', component: PAGES.incident, props: true, meta: { section: 'incidents' } },
      { path: '/links', component: PAGES.links, meta: { section: 'links', follows: true } },
      { path: '/links/:id', component: PAGES.link, props: true, meta: { section: 'links' } },
      { path: '/schools', component: PAGES.schools, meta: { section: 'schools' } },
      { path: '/schools/:id', component: PAGES.school, props: true, meta: { section: 'schools' } },
      {
        path: '/schools/:id/principal',
        component: PAGES.principal,
        props: true,
        meta: { section: 'schools' },
      },
      { path: '/devices/:id', component: PAGES.device, props: true, meta: { section: 'schools' } },
      { path: '/devices/:id/ports/:port', component: PAGES.port, props: true, meta: { section: 'schools' } },
      { path: '/classrooms/:id', component: PAGES.classroom, props: true, meta: { section: 'schools' } },
      { path: '/checks', component: PAGES.checks, meta: { section: 'checks' } },
      { path: '/map', component: PAGES.map, meta: { section: 'map' } },
      { path: '/classes', component: PAGES.classes, meta: { section: 'classes' } },
      { path: '/classes/:id', component: PAGES.class, props: true, meta: { section: 'classes' } },
      { path: '/terminals', component: PAGES.terminals, meta: { section: 'terminals' } },
      {
        path: '/terminals/:id',
        redirect: ({ params, query }) => ({
          path: '/terminals',
          query: { ...query, q: params.id, open: params.id },
        }),
      },
      { path: '/agents', component: PAGES.agents, meta: { section: 'agents' } },
      { path: '/agents/:id', component: PAGES.agent, props: true, meta: { section: 'agents' } },
      { path: '/content', component: PAGES.content, meta: { section: 'content' } },
      { path: '/quarantine', component: PAGES.quarantine, meta: { section: 'quarantine' } },
      { path: '/maintenance', component: PAGES.maintenance, meta: { section: 'maintenance' } },
      { path: '/notifications', component: PAGES.notifications, meta: { section: 'notifications' } },
      { path: '/wall', component: PAGES.wall, meta: { section: 'wall', follows: true } },
      { path: '/:path(.*)*', component: PAGES.missing, meta: { section: 'missing' } },
    ],
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  })
}
