"""The page in a real browser: what it shows, and that nothing from the network becomes markup."""

import numpy as np
import pytest
from health_state import TOKEN, Client, make_event, make_state, make_stream

from doubles.fake_video import Picture
from rigs.browser import Browser

pytestmark = [pytest.mark.slow, pytest.mark.needs_chromium]

EVIL = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(2)>"
TEXT = "document.body.innerText"
PICTURE = "document.querySelector('.view img:not([hidden])')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.close()


@pytest.fixture
def state():
    door = make_stream("door", damaged=3)
    evil = make_stream(EVIL)
    evil.status.top = [(IMAGE, 0.5)]
    evil.error = OSError(IMAGE)
    return make_state(door, evil)


@pytest.fixture
def client(browser, state):
    """The page is open, and nothing was wrong with it at the end."""
    browser.complaints.clear()
    with Client(state) as made:
        browser.look(1280, 900)
        browser.open(f"http://{made.server.address}/")
        browser.wait_for(TEXT + ".includes('door')")
        yield made
        browser.open("about:blank")
    assert browser.complaints == []


def test_status_of_a_stream(browser, client, state):
    shown = browser.wait_for(TEXT + ".includes('0.75') && " + TEXT)
    for expected in ("edge-attp", "running", "wave", "walk", "64 × 36", "damaged"):
        assert expected in shown
    clock = state.streams()[0].status.clock
    clock.record("parse", 0.0123)
    state.streams()[0].status.scored += 1
    browser.wait_for(TEXT + ".includes('parse 12.3')")
    state.streams()[0].status.state = "failed"
    browser.wait_for("document.querySelector('.state.failed') !== null")


def test_events_as_they_come(browser, client, state):
    assert "None yet" in browser.evaluate(TEXT)
    state.add_event(make_event("first", score=0.81))
    browser.wait_for(TEXT + ".includes('first')")
    state.add_event(make_event("second"))
    rows = "[...document.querySelectorAll('#event-rows tr')].map(row => row.innerText)"
    browser.wait_for(rows + ".length == 2")
    newest, oldest = browser.evaluate(rows)
    assert "second" in newest and "first" in oldest and "0.81" in oldest and "2.5 s" in oldest


def test_the_live_picture(browser, client):
    live = client.server.live_view("door")
    live.observe(Picture("K", 0, 0, 25), np.full((20, 20, 3), (0, 250, 0), np.uint8))
    size = browser.wait_for("{} && [{}.naturalWidth, {}.naturalHeight]".format(*(PICTURE,) * 3))
    assert size == [960, 540]
    before = browser.evaluate(PICTURE + ".src")
    browser.wait_for(PICTURE + ".src != " + repr(before))  # pictures keep coming
    assert browser.evaluate(PICTURE + ".alt") == "Live picture of door with its motion"


def test_nothing_becomes_markup(browser, client, state):
    state.add_event(make_event(IMAGE, stream=EVIL))
    live = client.server.live_view(EVIL)
    live.observe(Picture("K", 0, 0, 25), np.zeros((20, 20, 3), np.uint8))
    browser.wait_for(PICTURE + " !== null")
    browser.wait_for(f"{TEXT}.split('{IMAGE}').length == 5")  # label, error, event, news
    assert browser.evaluate(TEXT).count(EVIL) == 3
    assert browser.evaluate("document.querySelectorAll('img[src=x], main script').length") == 0


def test_markup_would_do_nothing(browser, client):
    """The content security policy is the second line of defence; this notices what it blocks."""
    add = f"document.body.insertAdjacentHTML('beforeend', {IMAGE!r})"
    browser.evaluate(add)
    browser.wait_for("document.querySelector('img[src=x]').complete")
    browser.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert any("Content Security Policy" in text for text in browser.complaints)
    browser.complaints.clear()


def test_a_stream_that_goes_is_taken_away(browser, client, state):
    browser.wait_for("document.querySelectorAll('article').length == 2")
    kept = state.streams()[:1]
    state.streams = lambda: kept
    browser.wait_for("document.querySelectorAll('article').length == 1")


def test_the_service_is_restarted(browser, state, tmp_path):
    state.add_event(make_event("first"))
    with Client(state) as client:
        browser.open(f"http://{client.server.address}/")
        browser.wait_for(TEXT + ".includes('first')")
        listen = client.server.address
    browser.wait_for("document.querySelector('#health.bad') !== null")
    again = make_state(make_stream("door"))
    again.add_event(make_event("after the restart"))
    with Client(again, listen):
        browser.wait_for("document.querySelector('#health.good') !== null")
        browser.wait_for(TEXT + ".includes('after the restart')")
        browser.open("about:blank")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_can_be_read(browser, client, state, width, scheme):
    state.add_event(make_event("a label that is rather long", stream="w" * 60))
    browser.look(width, 800, scheme)
    browser.wait_for("document.querySelectorAll('#event-rows tr').length == 1")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    ratios = browser.evaluate(CONTRASTS)
    assert len(ratios) > 15 and min(ratio for _, ratio in ratios) >= 4.5, sorted(ratios)[:3]


def test_the_token_leaves_the_address(browser, state):
    with Client(state, "0.0.0.0:0", token=TOKEN) as client:
        address = f"http://127.0.0.1:{client.port}/"
        browser.open(address)
        browser.wait_for(TEXT + ".includes('needs the token')")
        browser.open(address + "?token=" + TOKEN)
        browser.wait_for(TEXT + ".includes('wave')")
        assert browser.evaluate("location.href") == address
        assert TOKEN not in browser.evaluate("document.cookie")  # HttpOnly
        browser.open("about:blank")


# [text, contrast] of every piece of text, after WCAG 2: against the nearest background that is set.
CONTRASTS = """
(() => {
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const linear = numbers(colour).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.tagName === "NOSCRIPT") continue;
    const pair = [light(getComputedStyle(node).color), light(ground(node))].sort();
    found.push([node.textContent, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)]);
  }
  return found;
})()
"""
