// What a page can try by script. TARGETS and DONE are written before this text.
const attempt = (action) => {
  try {
    Promise.resolve(action()).catch(() => {});
  } catch {
    // Refused, as it should be. On to the next.
  }
};
const frame = (source) => {
  const element = document.createElement('iframe');
  element.src = source;
  document.body.appendChild(element);
};

for (const target of TARGETS.slice(1)) {
  attempt(() => fetch(`${target}?fetch`, { mode: 'no-cors' }));
  attempt(() => new WebSocket(`${target.replace('http', 'ws')}?websocket`));
  attempt(() => navigator.sendBeacon(`${target}?beacon`, 'x'));
  frame(`${target}?frame`);
}
for (const target of TARGETS.slice(0, 1)) {
  const url = new URL(target);
  const socket = target.replace('http', 'ws');
  attempt(() => fetch(`${target}?fetch`));
  attempt(() => fetch(`${target}?no-cors`, { mode: 'no-cors', method: 'POST', body: 'x' }));
  attempt(() => fetch(`${target}?keepalive`, { mode: 'no-cors', keepalive: true }));
  attempt(() => {
    const request = new XMLHttpRequest();
    request.open('GET', `${target}?xhr`);
    request.send();
  });
  attempt(() => new WebSocket(`${socket}?websocket`));
  attempt(() => new EventSource(`${target}?eventsource`));
  attempt(() => new Worker(`${target}?worker`));
  attempt(() => new SharedWorker(`${target}?sharedworker`));
  attempt(() => import(`${target}?import`));
  attempt(() => navigator.sendBeacon(`${target}?beacon`, 'x'));
  attempt(() => navigator.serviceWorker.register(`${target}?serviceworker`));
  attempt(() => window.open(`${target}?open`));
  attempt(() => window.open(`${target}?noopener`, '_blank', 'noopener'));
  attempt(() => new Image().setAttribute('src', `${target}?image`));
  attempt(() => new FontFace('y', `url(${target}?fontface)`).load());
  attempt(() => new Audio(`${target}?audio-script`).play());
  attempt(() => frame(`data:text/html,<script>fetch('${target}?data',{mode:'no-cors'})</script>`));
  attempt(() => frame(`view-source:${target}`));
  attempt(() => {
    const form = document.createElement('form');
    form.method = 'post';
    form.action = `${target}?form-script`;
    form.target = '_blank';
    document.body.appendChild(form);
    form.submit();
  });
  attempt(() => {
    const source = `fetch('${target}?blob', { mode: 'no-cors' }); importScripts('${target}?blob-import');`;
    return new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  });
  attempt(() => new WebTransport(`https://${url.host}/webtransport`));
  attempt(async () => {
    const host = url.host;
    const peer = new RTCPeerConnection({
      iceServers: [
        { urls: `stun:${host}` },
        { urls: `turn:${host}?transport=udp`, username: 'a', credential: 'b' },
        { urls: `turn:${host}?transport=tcp`, username: 'a', credential: 'b' },
      ],
    });
    peer.createDataChannel('out');
    await peer.setLocalDescription(await peer.createOffer());
    // A candidate of the other side: the browser would check it by STUN.
    const port = Number(url.port);
    const candidate = `candidate:1 1 udp 2122260223 127.0.0.1 ${port} typ host`;
    await peer.addIceCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
  });
}
for (const anchor of document.querySelectorAll('a[ping]')) {
  attempt(() => anchor.click());
}
// Through this site itself: what it redirects to, and what its workers ask for.
for (const status of [301, 302, 303, 307, 308]) {
  attempt(() => fetch(`/redirect-out?${status}`, { mode: 'no-cors', method: 'POST', body: 'x' }));
  attempt(() => new Image().setAttribute('src', `/redirect-out?${status}`));
  frame(`/redirect-out?${status}`);
}
attempt(() => new WebSocket(`ws://${location.host}/redirect-out`));
attempt(() => new EventSource('/redirect-out'));
attempt(() => new Worker('/hostile/worker.js'));
attempt(() => new SharedWorker('/hostile/worker.js'));
attempt(() => navigator.serviceWorker.register('/hostile/service-worker.js'));
for (const path of ['refresh', 'refresh-header', 'location', 'form']) {
  frame(`/hostile/${path}`);
  attempt(() => window.open(`/hostile/${path}`));
}
for (const scheme of ['ftp:', 'file:']) {
  attempt(() => frame(TARGETS[0].replace('http:', scheme)));
}

setTimeout(() => {
  const paragraph = document.createElement('p');
  paragraph.id = 'done';
  paragraph.textContent = DONE;
  document.body.appendChild(paragraph);
}, 1500);
