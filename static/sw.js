// The service worker: keeps the shell on the device (programs, words and the first page of one language), and tells of notifications.
// What a page or the server says of an order is never kept: /api is left alone, and the address of an order is at most answered with the
// first page, from its own address. A new version waits until somebody asks for it.
const CACHE = "kindling-{{build}}";
const OF_A_BUILD = /^kindling-[0-9a-f]{16}$/;
// What is remembered beyond a build: the language of the pages.
const DEVICE = "kindling-device";
const HASHED = /^\/[a-z_-]+-[0-9a-f]{16}\.(js|wasm|txt|css)$/;
const FILES = {{files}};
const SHELLS = {{shells}};
// Stands in every page of this build.
const VERSION = "{{version}}";
// How long the network may take to answer for a page, in milliseconds.
const PATIENCE = 4000;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(tidy().then(() => self.clients.claim())));

async function install() {
  const cache = await caches.open(CACHE);
  const language = await (await caches.match("/language", { cacheName: DEVICE }))?.text();
  await Promise.all([...FILES, ...shellFiles(language)].map((path) => keep(cache, path)));
}

const shellFiles = (language) => (Object.hasOwn(SHELLS, language ?? "") ? [SHELLS[language].page, ...SHELLS[language].words] : []);

// From the pages: the language they speak, or the wish for the version that waits.
self.addEventListener("message", (event) => {
  if (event.data === "update") self.skipWaiting();
  else if (Object.hasOwn(SHELLS, event.data)) event.waitUntil(speak(event.data));
});

async function speak(language) {
  const [device, cache] = await Promise.all([caches.open(DEVICE), caches.open(CACHE)]);
  await device.put("/language", new Response(language));
  await Promise.all(shellFiles(language).map((path) => keep(cache, path)));
  await tidy();
}

// A file of this build and no other: while a deployment is under way the network may have either, and names that are gone are not found.
async function keep(cache, path) {
  if (await cache.match(path)) return;
  const response = HASHED.test(path) ? await genuine(path) : await fetch(path, { cache: "no-cache" });
  const isPage = Object.values(SHELLS).some(({ page }) => page === path);
  if (!response.ok || response.redirected || isHtml(response) !== isPage) throw new Error(`${path} is not there`);
  if (isPage && !(await response.clone().text()).includes(VERSION)) throw new Error(`${path} is of another version`);
  await cache.put(path, response);
}

// Other builds go once no page can need them: a tab beside this one may still run an old build, and a new one may be on its way.
async function tidy() {
  const names = await caches.keys();
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (windows.length > 1 || self.registration.installing || self.registration.waiting) return;
  await Promise.all(names.filter((name) => OF_A_BUILD.test(name) && name !== CACHE).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  if (HASHED.test(pathname)) event.respondWith(hashed(request));
  else if (FILES.includes(pathname)) event.respondWith(fetch(request).catch(() => kept(pathname)));
  else if (request.mode === "navigate" && !pathname.includes(".")) event.respondWith(page(request, pathname));
});

const isHtml = (response) => (response.headers.get("content-type") ?? "").startsWith("text/html");
const kept = async (path) => (await caches.match(path, { cacheName: CACHE, ignoreVary: true })) ?? Response.error();

// Of whatever build: a page of the last one finds its files although the network has forgotten them.
async function hashed(request) {
  const found = await caches.match(request, { ignoreVary: true });
  if (found) return found;
  const response = await genuine(request.url);
  return isHtml(response) ? new Response(null, { status: 404 }) : response;
}

// A server that does not have a file yet should say so. One without the Worker in front of it answers with the first page, which the browser
// then keeps for a year under that name: it must become neither a script nor a text, and is asked for again.
async function genuine(path) {
  const response = await fetch(path);
  return isHtml(response) ? fetch(path, { cache: "reload" }) : response;
}

async function page(request, pathname) {
  const network = fetch(request);
  const inTime = await Promise.race([network.catch(() => null), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  return inTime ?? (await shell(pathname)) ?? network;
}

// The first page as it is kept: in the language of the address, else of the device, else in any.
async function shell(pathname) {
  const cache = await caches.open(CACHE);
  const pages = Object.values(SHELLS).map(({ page: address }) => address);
  for (const address of [...pages.filter((own) => own === pathname), SHELLS[await spoken()].page, ...pages]) {
    const found = await cache.match(address, { ignoreVary: true });
    if (found) return found;
  }
  return null;
}

async function spoken() {
  const language = await (await caches.match("/language", { cacheName: DEVICE }))?.text();
  return Object.hasOwn(SHELLS, language ?? "") ? language : "en";
}

// A message is empty, so that the push service learns nothing: it says that there is news, not of what.
self.addEventListener("push", (event) => event.waitUntil(notify()));

async function notify() {
  const language = await spoken();
  const { title, body, dir } = SHELLS[language];
  await self.registration.showNotification(title, { body, dir, lang: language, icon: "/icon-192.png", tag: "order", renotify: true });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

async function open() {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const orders = windows.find(({ url }) => new URL(url).pathname.startsWith("/orders"));
  return orders ? orders.focus() : self.clients.openWindow("/orders");
}
