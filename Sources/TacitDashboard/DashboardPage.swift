/// The page's text. Everything that comes from the study is put in by the script as text, never as HTML.
enum DashboardPage {
    static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Tacit</title>
        <link rel="icon" href="/favicon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/page.css">
        <script src="/page.js" defer></script>
        </head>
        <body>
        <a class="skip" href="#main">Skip to the rounds</a>
        <header>
          <div class="title">
            <h1 id="study">…</h1>
            <p><span id="standing" class="pill">…</span> <span id="phase" role="status">…</span></p>
          </div>
          <nav aria-label="Actions">
            <a class="button" href="/report/privacy-report.html">Privacy report</a>
            <a class="button" href="/report/privacy-report.json">as JSON</a>
            <form method="post" action="/logout"><button>Sign out</button></form>
          </nav>
          <progress id="progress" max="1" value="0" aria-label="Rounds done"></progress>
          <p id="adversary" class="adversary"></p>
          <p id="offline" class="trouble" role="alert" hidden>The coordinator does not answer. What you see may be old.</p>
        </header>
        <main id="main">
          <section class="wide" aria-labelledby="h-metric">
            <h2 id="h-metric">Model on the sites\u{2019} held-out rows</h2>
            <div class="split">
              <div>
                <table id="comparison" class="comparison stack" hidden>
                  <thead><tr id="h-comparison"></tr></thead>
                  <tbody id="metrics"></tbody>
                </table>
                <dl id="figures" class="figures"></dl>
              </div>
              <div>
                <fieldset id="choice" class="choice" hidden><legend>Plot</legend></fieldset>
                <figure>
                  <svg id="plot" role="img" aria-labelledby="plot-title"><title id="plot-title"></title></svg>
                  <figcaption id="legend"></figcaption>
                </figure>
              </div>
            </div>
          </section>
          <section aria-labelledby="h-sites">
            <h2 id="h-sites">Sites</h2>
            <div class="scroll" tabindex="0" role="region" aria-labelledby="h-sites">
            <table class="stack">
              <thead><tr><th scope="col">Site</th><th scope="col">Now</th><th scope="col" class="n">Rounds</th><th scope="col" class="n">Missed</th><th scope="col" class="n">Sent to us</th><th scope="col">Last heard</th></tr></thead>
              <tbody id="sites"></tbody>
            </table>
            </div>
          </section>
          <section aria-labelledby="h-privacy">
            <h2 id="h-privacy">Privacy</h2>
            <dl id="privacy" class="facts"></dl>
          </section>
          <section class="wide" aria-labelledby="h-rounds">
            <h2 id="h-rounds">Rounds</h2>
            <div class="scroll" tabindex="0" role="region" aria-labelledby="h-rounds">
            <table class="stack">
              <thead><tr><th scope="col">Round</th><th scope="col">In the sum</th><th scope="col">Dropped out</th><th scope="col" class="n">Seconds</th><th scope="col" class="n">Received</th><th scope="col" class="n">Sent</th><th scope="col" class="n" id="h-column">Metric</th></tr></thead>
              <tbody id="rounds"></tbody>
            </table>
            </div>
          </section>
          <section class="wide" aria-labelledby="h-events">
            <h2 id="h-events">Events</h2>
            <ol id="events" class="events" tabindex="0" aria-labelledby="h-events"></ol>
          </section>
        </main>
        </body>
        </html>
        """

    /// - Parameter problem: our own words, never what was typed.
    static func signIn(problem: String?) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Tacit: sign in</title>
        <link rel="icon" href="/favicon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/page.css">
        </head>
        <body class="centre">
        <main>
          <form method="post" action="/login" class="card">
            <h1>Tacit</h1>
            \(problem.map { "<p class=\"trouble\" role=\"alert\">\($0)</p>" } ?? "")
            <label for="token">Token</label>
            <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
            <p class="hint">It is in the file <code>dashboard.token</code> in the coordinator's folder.</p>
            <button class="primary">Sign in</button>
          </form>
        </main>
        </body>
        </html>
        """
    }

    static let css = """
        :root { --ground: #f6f7f9; --card: #fff; --ink: #15191f; --quiet: #59626f; --line: #dfe3e8; --accent: #0b6bcb;
          --good: #1a7f42; --bad: #b3261e; --warn: #8a5a00; color-scheme: light dark; }
        @media (prefers-color-scheme: dark) {
          :root { --ground: #0f1216; --card: #181c22; --ink: #e8ebef; --quiet: #9aa4b1; --line: #2a313a; --accent: #6cb2ff;
            --good: #5fd08a; --bad: #ff8a80; --warn: #f2c04d; }
        }
        * { box-sizing: border-box; }
        [hidden] { display: none !important; }
        body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
        header, main { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
        header { padding-top: 24px; display: grid; grid-template-columns: 1fr auto; gap: 8px 24px; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
        h2 { font-size: 1.05rem; margin: 0 0 12px; }
        p { margin: 0; }
        nav { display: flex; gap: 8px; align-items: start; flex-wrap: wrap; }
        .button, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line);
          border-radius: 8px; padding: 6px 12px; text-decoration: none; cursor: pointer; min-height: 36px; display: inline-block; }
        .button:hover, button:hover { border-color: var(--accent); }
        .primary { background: var(--accent); color: var(--card); border-color: var(--accent); width: 100%; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        .skip { position: absolute; left: -9999px; }
        .skip:focus { left: 12px; top: 12px; background: var(--card); padding: 8px; z-index: 2; }
        progress { grid-column: 1 / -1; width: 100%; height: 8px; accent-color: var(--accent); }
        .adversary { grid-column: 1 / -1; color: var(--quiet); max-width: 76ch; }
        .trouble { color: var(--bad); grid-column: 1 / -1; }
        .pill { display: inline-block; border-radius: 999px; padding: 0 10px; border: 1px solid currentColor; font-size: .85rem;
          color: var(--quiet); }
        .pill.running, .pill.working, .pill.finished { color: var(--good); }
        .pill.stalled, .pill.silent, .pill.waiting { color: var(--warn); }
        .pill.failed, .pill.revoked { color: var(--bad); }
        main { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; padding-top: 16px;
          padding-bottom: 40px; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px; min-width: 0; }
        .wide { grid-column: 1 / -1; }
        figure { margin: 0; }
        svg { width: 100%; height: 260px; display: block; }
        svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
        svg .axis { stroke: var(--line); }
        svg .curve { stroke: var(--accent); fill: none; stroke-width: 2.5; stroke-linejoin: round; }
        svg .dot { fill: var(--accent); }
        svg .base { stroke: var(--quiet); stroke-dasharray: 5 4; }
        figcaption { color: var(--quiet); font-size: .9rem; }
        dl { margin: 0; }
        .split { display: grid; grid-template-columns: minmax(320px, 2fr) minmax(0, 3fr); gap: 16px 32px; align-items: start; }
        .figures { display: flex; flex-wrap: wrap; gap: 8px 28px; }
        .comparison { margin-bottom: 16px; }
        .comparison th, .comparison td { white-space: normal; }
        .comparison .now { font-size: 1.15rem; font-weight: 600; }
        .choice { border: 0; margin: 0 0 8px; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 8px; }
        .choice legend { float: left; color: var(--quiet); font-size: .85rem; padding: 6px 8px 0 0; }
        .choice label { display: inline-flex; align-items: center; gap: 6px; min-height: 36px; padding: 0 12px;
          border: 1px solid var(--line); border-radius: 999px; cursor: pointer; }
        .choice label:has(:checked) { border-color: var(--accent); color: var(--accent); }
        .choice label:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
        .choice input { margin: 0; accent-color: var(--accent); }
        .figures dt, .facts dt { color: var(--quiet); font-size: .85rem; }
        .figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
        .facts dd { margin: 0 0 10px; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th { color: var(--quiet); font-weight: 500; font-size: .85rem; }
        td.wrap { white-space: normal; min-width: 10ch; }
        tbody tr:last-child td, tbody tr:last-child th { border-bottom: 0; }
        .n { text-align: right; }
        .events { list-style: none; margin: 0; padding: 0; max-height: 320px; overflow-y: auto; }
        .events li:not(.hint) { display: grid; grid-template-columns: 9ch 1fr; gap: 12px; padding: 3px 0; overflow-wrap: anywhere; }
        .events time { color: var(--quiet); font-variant-numeric: tabular-nums; }
        .centre { min-height: 100vh; display: grid; place-items: center; }
        .centre main { display: block; width: 100%; max-width: 420px; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 28px; display: grid; gap: 10px; }
        .card input { font: inherit; padding: 10px; border-radius: 8px; border: 1px solid var(--line); background: var(--ground);
          color: var(--ink); width: 100%; }
        .hint { color: var(--quiet); font-size: .9rem; }
        @media (max-width: 720px) {
          header { grid-template-columns: minmax(0, 1fr); padding-top: 16px; }
          header, main { padding-left: 12px; padding-right: 12px; }
          main, .split { grid-template-columns: minmax(0, 1fr); }
          .button, button { min-height: 44px; padding: 10px 14px; }
          .choice label { min-height: 44px; }
          .card button, .card input { min-height: 48px; }
          .stack thead { position: absolute; left: -9999px; }
          .stack tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 6px 12px; padding: 10px 0;
            border-bottom: 1px solid var(--line); }
          .stack tbody tr:last-child { border-bottom: 0; }
          .stack td { display: block; border: 0; padding: 0; text-align: left; white-space: normal; overflow-wrap: anywhere; }
          .stack td::before { content: attr(data-label); display: block; color: var(--quiet); font-size: .8rem; }
          .stack th[scope=row], .stack td:first-child, .stack td.wrap { grid-column: 1 / -1; }
          .stack th[scope=row], .stack td:first-child { font-weight: 600; font-size: 1rem; color: var(--ink); padding: 0; border: 0; }
          .stack td:first-child::before { content: none; }
          .stack td.none { display: none; }
          .comparison .now { font-size: 1rem; }
        }
        @media (prefers-reduced-motion: no-preference) { .dot { transition: cy .3s; } }
        """

    static let script = """
        'use strict';
        const $ = id => document.getElementById(id);
        const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text;
          if (name) e.className = name; return e; };
        const draw = (tag, attributes, text) => { const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
          for (const key in attributes) e.setAttribute(key, attributes[key]); if (text !== undefined) e.textContent = text; return e; };
        const bytes = n => { const units = ['B', 'kB', 'MB', 'GB', 'TB']; let k = 0; while (n >= 1000 && k < 4) { n /= 1000; k++; }
          return (k && n < 100 ? n.toFixed(1) : Math.round(n)) + '\\u00a0' + units[k]; };
        const figure = x => typeof x === 'number' ? (Math.abs(x) < 10 ? x.toFixed(4) : x.toPrecision(5)) : '–';
        const clock = t => new Date(t * 1000).toLocaleTimeString([], { hour12: false });
        const ago = t => { const s = Math.max(0, Math.round(Date.now() / 1000 - t));
          return s < 90 ? s + ' s ago' : s < 5400 ? Math.round(s / 60) + ' min ago' : clock(t); };
        const fill = (id, items) => $(id).replaceChildren(...items);

        let chosen = null, drawn = '', current = null;
        const metricOf = state => state.metrics.find(m => m.key === chosen) || state.metrics[0];
        const known = (state, key) => state.rounds.map(r => r.metrics[key]).filter(v => typeof v === 'number');
        const cell = (label, text, name) => { const td = make('td', text, name); td.dataset.label = label; return td; };

        // One row a metric: now, best, and what it is held against.
        function compare(state) {
          const names = [...new Set(state.baselines.map(b => b.name))];
          const rows = state.metrics.filter(m => known(state, m.key).length);
          $('comparison').hidden = !rows.length;
          fill('h-comparison', ['', 'Now', 'Best', ...names].map((n, i) => { const th = make('th', n, i ? 'n' : ''); th.scope = 'col';
            return th; }));
          fill('metrics', rows.map(m => { const values = known(state, m.key), r = make('tr'), h = make('th', m.title); h.scope = 'row';
            const best = m.isHigherBetter ? Math.max(...values) : Math.min(...values);
            r.append(h, cell('Now', figure(values[values.length - 1]), 'n now'), cell('Best', figure(best), 'n'),
              ...names.map(n => { const b = state.baselines.find(b => b.name === n && b.metric === m.key);
                return cell(n, b ? figure(b.value) : '–', b ? 'n' : 'n none'); })); return r; }));
          const keys = rows.map(m => m.key).join();
          $('choice').hidden = rows.length < 2;
          if (keys === drawn) return;
          drawn = keys;
          $('choice').replaceChildren($('choice').querySelector('legend'), ...rows.map(m => { const l = make('label'), i = make('input');
            i.type = 'radio'; i.name = 'metric'; i.value = m.key; i.checked = m.key === metricOf(state).key;
            i.onchange = () => { chosen = m.key; show(current); };
            l.append(i, m.title); return l; }));
        }

        function plot(state) {
          const metric = metricOf(state);
          const points = state.rounds.map((r, i) => [i, r.metrics[metric.key]]).filter(p => typeof p[1] === 'number');
          const lines = state.baselines.filter(b => b.metric === metric.key);
          const svg = $('plot');
          svg.querySelectorAll(':not(title)').forEach(e => e.remove());
          const all = points.map(p => p[1]).concat(lines.map(b => b.value));
          svg.hidden = !points.length; svg.style.display = points.length ? '' : 'none';
          $('plot-title').textContent = points.length ? metric.title + ' after each round; last '
            + figure(points[points.length - 1][1]) : '';
          if (!points.length) { $('legend').textContent = 'No round has been evaluated yet.'; return; }
          // Ticks at round numbers; shares stay within 0 and 1.
          let low = Math.min(...all), high = Math.max(...all);
          if (high - low < 1e-3) { low -= 5e-3; high += 5e-3; }
          const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
          const step = [1, 2, 5, 10].find(k => k * power >= rough) * power, digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
          low = Math.floor(low / step + 1e-9) * step; high = Math.ceil(high / step - 1e-9) * step;
          // Drawn for the width that there is, so that text keeps its size.
          const width = Math.max(260, svg.getBoundingClientRect().width || 640), longest = Math.max(0, ...lines.map(b => b.name.length));
          const left = 46, right = width - Math.min(width * .34, 8 + 7.4 * longest), room = Math.floor((width - right - 6) / 7.4);
          svg.setAttribute('viewBox', '0 0 ' + width + ' 260');
          const first = points[0][0], span = Math.max(1, points[points.length - 1][0] - first);
          const x = i => left + (i - first) / span * (right - left), y = v => 228 - (v - low) / (high - low) * 214;
          for (let v = low; v < high + step / 2; v += step)
            svg.append(draw('line', { x1: left, x2: right, y1: y(v), y2: y(v), class: 'axis' }),
              draw('text', { x: left - 8, y: y(v) + 4, 'text-anchor': 'end' }, v.toFixed(digits)));
          // Names beside the lines, moved apart where they would overlap.
          const names = lines.map(b => ({ name: b.name, at: y(b.value) })).sort((a, b) => a.at - b.at);
          names.forEach((n, i) => { if (i && n.at - names[i - 1].at < 17) n.at = names[i - 1].at + 17; });
          for (const b of lines) svg.append(draw('line', { x1: left, x2: right, y1: y(b.value), y2: y(b.value), class: 'base' }));
          for (const n of names) svg.append(draw('text', { x: right + 6, y: n.at + 4 },
            n.name.length > room ? n.name.slice(0, room - 1) + '…' : n.name));
          svg.append(draw('polyline', { points: points.map(p => x(p[0]) + ',' + y(p[1])).join(' '), class: 'curve' }));
          const end = points[points.length - 1];
          svg.append(draw('circle', { cx: x(end[0]), cy: y(end[1]), r: 4.5, class: 'dot' }));
          svg.append(draw('text', { x: left, y: 252 }, state.rounds[first].title));
          if (points.length > 1) svg.append(draw('text', { x: right, y: 252, 'text-anchor': 'end' }, state.rounds[end[0]].title));
          $('legend').textContent = metric.title + ' of the model that each round began with, on rows that no site trains on.';
        }

        function show(state) {
          document.title = state.study + ': ' + state.phase;
          $('study').textContent = state.study;
          $('standing').textContent = state.standing; $('standing').className = 'pill ' + state.standing;
          if ($('phase').textContent !== state.phase) $('phase').textContent = state.phase;
          $('progress').max = state.roundsPlanned; $('progress').value = state.roundsDone;
          $('adversary').textContent = state.adversary;
          const totals = state.rounds.reduce((t, r) => [t[0] + r.bytesReceived, t[1] + r.bytesSent, t[2] + (r.seconds || 0)], [0, 0, 0]);
          const done = state.rounds.filter(r => r.seconds).length, figures = [];
          figures.push(['Received', bytes(totals[0])], ['Sent', bytes(totals[1])], ['Time in rounds', totals[2].toFixed(1) + '\\u00a0s']);
          if (done) figures.push(['A round', (totals[2] / done).toFixed(2) + '\\u00a0s']);
          fill('figures', figures.map(f => { const d = make('div'); d.append(make('dt', f[0]), make('dd', f[1])); return d; }));
          current = state;
          compare(state);
          plot(state);
          fill('sites', state.sites.map(s => { const r = make('tr'); const now = cell('Now');
            now.append(make('span', s.standing, 'pill ' + s.standing));
            if (!s.isConnected && s.standing !== 'waiting') now.append(' not connected');
            r.append(cell('Site', s.name), now, cell('Rounds', s.rounds, 'n'), cell('Missed', s.dropped, 'n'),
              cell('Sent to us', bytes(s.bytesReceived), 'n'), cell('Last heard', s.lastHeard ? ago(s.lastHeard) : 'never'));
            return r; }));
          fill('privacy', state.privacy.flatMap(f => [make('dt', f.name), make('dd', f.value)]));
          const metric = metricOf(state);
          $('h-column').textContent = metric.title;
          const nothing = (text, tag, span) => { const e = make(tag, text, 'hint'); if (span) e.colSpan = span; return e; };
          fill('rounds', !state.rounds.length ? [(r => { r.append(nothing('No round is over yet.', 'td', 7)); return r; })(make('tr'))]
            : state.rounds.slice().reverse().slice(0, 200).map(t => { const r = make('tr');
            r.append(cell('Round', t.title), cell('In the sum', t.contributors.join(', '), 'wrap'),
              cell('Dropped out', t.dropped.join(', ') || '–', 'wrap' + (t.dropped.length ? ' trouble' : ' none')),
              cell('Seconds', t.seconds === undefined ? '–' : t.seconds.toFixed(2), 'n'), cell('Received', bytes(t.bytesReceived), 'n'),
              cell('Sent', bytes(t.bytesSent), 'n'), cell(metric.title, figure(t.metrics[metric.key]), 'n')); return r; }));
          fill('events', !state.events.length ? [nothing('Nothing has happened yet.', 'li')] : state.events.slice().reverse().map(e => { const li = make('li', undefined, e.isTrouble ? 'trouble' : '');
            li.append(make('time', clock(e.moment)), make('span', e.text)); return li; }));
        }

        function listen() {
          const source = new EventSource('/events');
          source.onmessage = e => { $('offline').hidden = true; show(JSON.parse(e.data)); };
          source.onopen = () => { $('offline').hidden = true; };
          source.onerror = () => { $('offline').hidden = false;
            if (source.readyState === EventSource.CLOSED) { setTimeout(() => fetch('/state').then(r => r.status === 401
              ? location.reload() : listen(), () => listen()), 2000); } };
        }
        listen();
        addEventListener('resize', () => current && plot(current));
        """

    /// Three sites and their sum.
    static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b6bcb"/>\
        <g fill="#fff"><circle cx="8" cy="9" r="3"/><circle cx="16" cy="9" r="3"/><circle cx="24" cy="9" r="3"/>\
        <circle cx="16" cy="23" r="5"/></g><path d="M8 11l6 9M16 11v8M24 11l-6 9" stroke="#fff" stroke-width="1.6"/></svg>
        """
}
