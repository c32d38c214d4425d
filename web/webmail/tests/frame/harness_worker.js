/** Keeps the frame's page, as the webmail's own worker does. */

addEventListener("install", (event) => event.waitUntil(caches.open("shell").then((cache) => cache.addAll(["/shipped/frame.html"]))));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request))));
