// What a worker of any kind can try. TARGETS is written before this text.
const attempt = (action) => {
  try {
    Promise.resolve(action()).catch(() => {});
  } catch {
    // Refused, as it should be. On to the next.
  }
};

for (const target of TARGETS.slice(0, 2)) {
  attempt(() => fetch(`${target}?worker-fetch`, { mode: 'no-cors' }));
  attempt(() => new WebSocket(`${target.replace('http', 'ws')}?worker-websocket`));
  attempt(() => new EventSource(`${target}?worker-eventsource`));
  attempt(() => {
    const request = new XMLHttpRequest();
    request.open('GET', `${target}?worker-xhr`);
    request.send();
  });
  attempt(() => importScripts(`${target}?importscripts`));
}
attempt(() => fetch('/redirect-out', { mode: 'no-cors' }));
attempt(() => importScripts('/redirect-out'));
self.addEventListener('fetch', (event) => {
  event.respondWith(fetch(`${TARGETS[0]}?service-worker`, { mode: 'no-cors' }));
});
