"""Signs in to the coordinator's page with a headless browser, measures the page and takes a picture of it.

look_at_page.py BROWSER PORT TOKEN PICTURE [--wide] [--dark]; prints one JSON object. Speaks the browser's debugging
protocol over its pipe; nothing but Python's own library is needed.
"""
import base64, json, os, subprocess, sys, tempfile, time

browser, port, token, picture = sys.argv[1:5]
wide, dark = "--wide" in sys.argv, "--dark" in sys.argv
width, height = (1280, 900) if wide else (390, 844)

to_browser_read, to_browser = os.pipe()
from_browser, from_browser_write = os.pipe()


def descriptors():
    """The browser reads commands at descriptor 3 and answers at 4."""
    high = [os.dup(d) for d in (to_browser_read, from_browser_write)]
    high = [os.dup(d) if d < 5 else d for d in high]
    os.dup2(high[0], 3)
    os.dup2(high[1], 4)


profile = tempfile.mkdtemp()
process = subprocess.Popen(
    [browser, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
     f"--user-data-dir={profile}", "about:blank"],
    preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
os.close(to_browser_read)
os.close(from_browser_write)
received = b""
number = 0
events = []


def message():
    global received
    while b"\0" not in received:
        data = os.read(from_browser, 1 << 20)
        if not data:
            raise SystemExit("the browser ended")
        received += data
    text, received = received.split(b"\0", 1)
    return json.loads(text)


def call(method, session=None, **parameters):
    global number
    number += 1
    command = {"id": number, "method": method, "params": parameters}
    if session:
        command["sessionId"] = session
    os.write(to_browser, json.dumps(command).encode() + b"\0")
    while True:
        answer = message()
        if answer.get("id") == number:
            if "error" in answer:
                raise SystemExit(f"{method}: {answer['error']}")
            return answer["result"]
        events.append(answer)


target = call("Target.createTarget", url="about:blank")["targetId"]
session = call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]


def run(expression):
    result = call("Runtime.evaluate", session, expression=expression, returnByValue=True, awaitPromise=True)
    if "exceptionDetails" in result:
        raise SystemExit(json.dumps(result["exceptionDetails"]))
    return result["result"].get("value")


def wait(expression):
    end = time.time() + 15
    while time.time() < end:
        try:
            if run(expression):
                return
        except SystemExit:
            pass  # in between two pages
        time.sleep(0.1)
    raise SystemExit(f"never true: {expression}")


for domain in ("Page", "Runtime", "Network", "Log"):
    call(f"{domain}.enable", session)
call("Emulation.setDeviceMetricsOverride", session, width=width, height=height, deviceScaleFactor=1, mobile=not wide)
call("Emulation.setEmulatedMedia", session,
     features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
call("Page.navigate", session, url=f"http://127.0.0.1:{port}/")
wait("!!document.getElementById('token')")
# As a person would: type and press Enter.
call("Input.insertText", session, text=token)
for kind in ("keyDown", "keyUp"):
    call("Input.dispatchKeyEvent", session, type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
wait("document.querySelectorAll('#rounds tr').length > 0")

order = []
for _ in range(12):
    for kind in ("keyDown", "keyUp"):
        call("Input.dispatchKeyEvent", session, type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    name = run("""(() => { const e = document.activeElement; if (!e || e === document.body) return '';
        const by = e.getAttribute('aria-labelledby'); return by ? document.getElementById(by).textContent : e.textContent; })()""")
    if not name or name in order:
        break
    order.append(name)
run("document.activeElement.blur()")

measured = run("""(() => ({
    phase: document.getElementById('phase').textContent,
    roundRows: document.querySelectorAll('#rounds tr').length,
    siteRows: document.querySelectorAll('#sites tr').length,
    points: (document.querySelector('.curve')?.getAttribute('points') || '').split(' ').length,
    wider: document.documentElement.scrollWidth > innerWidth,
    smallTargets: innerWidth > 720 ? [] : [...document.querySelectorAll('nav a, nav button')]
        .filter(e => e.getBoundingClientRect().height < 44).map(e => e.textContent),
    dark: parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) < 60,
    title: document.title, height: document.documentElement.scrollHeight }))()""")
measured["focusOrder"] = order
urls = [e["params"]["request"]["url"] for e in events if e.get("method") == "Network.requestWillBeSent"]
measured["foreign"] = sorted({u for u in urls if not u.startswith(f"http://127.0.0.1:{port}/")})
errors = [e["params"]["entry"]["text"] for e in events if e.get("method") == "Log.entryAdded"
          and e["params"]["entry"]["level"] == "error"]
measured["errors"] = errors
shot = call("Page.captureScreenshot", session, format="png", captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": width, "height": min(measured["height"], 6000), "scale": 1})
with open(picture, "wb") as file:
    file.write(base64.b64decode(shot["data"]))
print(json.dumps(measured))
process.kill()
process.wait()
