// The service worker: keeps the shell's hashed files, and nothing else. Whatever has no hash in its name (pages, /api, /orders)
// goes to the network as if this file did not exist, so no order is ever stored and no page is ever stale.
const CACHE = "kindling-{{build}}";
const HASHED = /^\/[a-z_-]+-[0-9a-f]{16}\.(js|wasm|txt)$/;

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) =>
      // Only ours, and only those of other builds.
      Promise.all(names.filter((name) => name.startsWith("kindling-") && name !== CACHE).map((name) => caches.delete(name))),
    ),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === location.origin && HASHED.test(url.pathname)) {
    event.respondWith(fromCache(event.request));
  }
});

async function fromCache(request) {
  const cache = await caches.open(CACHE);
  const hit = await cache.match(request);
  if (hit) return hit;
  const response = await fetch(request);
  // The single-page fallback answers unknown names with HTML; that must not become a script for ever.
  const type = response.headers.get("content-type") ?? "";
  if (response.ok && !type.startsWith("text/html")) await cache.put(request, response.clone());
  return response;
}
