"""The console's page in a real browser: what people see, and what stations cannot do to it."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from deploy.local.kafka import Broker
from tests.browser import PATIENCE_S, barriers, chromium, opened, too_wide
from tests.end_to_end.shown import (
    HOSTILE,
    NEW,
    OLD,
    POWER_W,
    SCRIPT,
    TOKEN,
    Shown,
    shown,
)

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]
expect.set_options(timeout=PATIENCE_S * 1000)
VIEWS = (
    *("#/stations", "#/events", f"#/station/{OLD}", f"#/station/{OLD}/charging"),
    *(f"#/station/{NEW}/command", "#/transactions", "#/rejected", "#/schemas"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shown]:
    """One console for all tests of this module."""
    folder = tmp_path_factory.mktemp("console")
    async with shown(kafka.bootstrap, f"{folder.name}.", folder) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of this module; each has pages of its own."""
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def view(world: Shown, browser: Browser) -> AsyncIterator[Page]:
    """A page, which must not have complained in the end, nor called any other host."""
    page, watch = await opened(browser, world.url)
    yield page
    await page.context.close()
    assert watch.complaints == []


def station_view(name: str, tab: str) -> str:
    return f"#/station/{name}/{tab}"


async def go(page: Page, world: Shown, route: str) -> None:
    """Show a view, and nothing that was on the page before."""
    await page.goto("about:blank")
    await page.goto(world.url + route)


async def test_stations_are_counted_mapped_and_followed_live(view: Page, world: Shown) -> None:
    """What a station says is on the map, in the list and in the counters without a reload."""
    await expect(view.get_by_role("button", name="All")).to_contain_text("3")
    tile = view.locator(".tile", has_text=OLD)
    await expect(tile.locator(".cell")).to_have_text(["C", "A"])
    await expect(view.get_by_role("row", name=re.compile(OLD))).to_contain_text("Voltwerk Duo 11")
    await world.status("Faulted", errorCode="GroundFailure")
    await expect(tile.get_by_role("img", name="2: Faulted, GroundFailure")).to_have_text("!")
    await expect(view.get_by_role("button", name="Faulted")).to_contain_text("2")
    await view.get_by_label("Search").fill(NEW)
    await expect(view.locator(".tile")).to_have_count(1)
    await view.get_by_label("Search").fill("no such station")
    await expect(view.get_by_text("No station fits.")).to_have_count(1)
    await world.status("Available")


async def test_frames_are_a_conversation(view: Page, world: Shown) -> None:
    """Calls stand on their side, answers beside them; a click opens the JSON."""
    await go(view, world, f"#/station/{OLD}")
    boot = view.locator(".exchange", has_text="BootNotification")
    await expect(boot.locator(".bubble.station")).to_contain_text("chargePointVendor=Voltwerk")
    answer = boot.locator(".bubble.gateway")
    await expect(answer).to_contain_text("status=Accepted")
    # Both were recorded at once: their difference would tell nothing of how long it waited.
    await expect(answer.get_by_title("after the call")).to_have_count(0)
    await boot.locator(".bubble.station summary").click()
    await expect(boot.locator(".json")).to_contain_text('"chargePointModel": "Duo 11"')
    await expect(view.locator(".talk > li").last).to_contain_text("connected ·")
    before = await view.locator(".exchange").count()
    await world.status("Preparing")
    await expect(view.locator(".exchange")).to_have_count(before + 1)
    await expect(boot.locator(".json")).to_be_visible()  # what was opened stays so


async def test_times_are_written_one_way(world: Shown, browser: Browser) -> None:
    """By 24 hours and with seconds, also where the language of the browser has others."""
    page, watch = await opened(browser, world.url, locale="en-US")
    details = (station_view(OLD, "conversation"), station_view(OLD, "charging"))
    for route in ("#/events", "#/transactions", "#/rejected", *details):
        await page.goto("about:blank")
        await page.goto(world.url + route)
        shown_time = page.locator("main time:not([data-since])").first
        await expect(shown_time).to_have_text(re.compile(r"\b\d\d:\d\d:\d\d(\.\d{3})?$"))
    await page.context.close()
    assert watch.complaints == []


async def test_a_command_goes_out_by_the_form_of_its_schema(view: Page, world: Shown) -> None:
    """Read-only without a token; what is missing is said at its field; the result comes live."""
    await go(view, world, station_view(NEW, "command"))
    await expect(view.get_by_text("Commands need a token")).to_be_visible()
    await view.get_by_label("Action").select_option("SetChargingProfile")
    await view.get_by_role("button", name="Send SetChargingProfile").click()
    evse = view.get_by_label("evseId")
    await expect(evse).to_have_attribute("aria-invalid", "true")
    await expect(evse).to_be_focused()
    for name, value in (("evseId", "1"), ("stackLevel", "0"), ("startPeriod", "0")):
        await view.get_by_label(name).fill(value)
    for one in await view.get_by_label(re.compile("^id ")).all():
        await one.fill("7")
    for name, word in (
        ("chargingProfilePurpose", "TxDefaultProfile"),
        ("chargingProfileKind", "Absolute"),
        ("chargingRateUnit", "W"),
    ):
        await view.get_by_label(name).select_option(word)
    await view.get_by_label("limit").fill("7200")
    await view.get_by_role("button", name="Send SetChargingProfile").click()
    await expect(view.get_by_role("alert")).to_contain_text("token")
    await view.get_by_label("Token", exact=True).fill(TOKEN)
    await view.get_by_role("button", name="Use this token").click()
    await expect(view.get_by_text("Commands need a token")).to_have_count(0)
    await view.get_by_role("button", name="Send SetChargingProfile").click()
    result = view.get_by_role("list", name="Commands").get_by_role("listitem")
    await expect(result.locator(".pill")).to_have_text("answered")
    await expect(result.get_by_text("Accepted", exact=True)).to_be_visible()
    period = world.heard[NEW][0][3]["chargingProfile"]["chargingSchedule"][0]
    assert period["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 7200}]
    await go(view, world, station_view(NEW, "conversation"))
    asked = view.locator(".exchange", has_text="SetChargingProfile").locator(".bubble.station")
    await expect(asked.get_by_title("after the call")).to_have_text(re.compile(r"^\d"))


async def test_what_the_server_refuses_is_said_at_its_field(world: Shown, browser: Browser) -> None:
    """A rule that the form does not know; a payload may be written as JSON, and mended as form."""
    page, watch = await opened(browser, f"{world.url}#token={TOKEN}")
    await page.get_by_role("link", name=OLD).first.click()
    await page.get_by_role("tab", name="Commands").click()
    await page.get_by_label("Action").select_option("SetChargingProfile")
    await page.get_by_role("button", name="Write it as JSON").click()
    await page.get_by_label("Payload as JSON").fill(json.dumps(profile(limit=16.05)))
    await page.get_by_role("button", name="Back to the form").click()
    await page.get_by_role("button", name="Send SetChargingProfile").click()
    limit = page.get_by_label("limit")
    await expect(limit).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".entry", has=limit).locator(".wrong")).to_contain_text("limit")
    await limit.fill("16.1")
    await page.get_by_role("button", name="Send SetChargingProfile").click()
    await expect(page.locator(".results .pill")).to_have_text("answered")
    assert world.heard[OLD][-1][3] == profile(limit=16.1)
    await page.context.close()
    assert [line for line in watch.complaints if "400 (Bad Request)" not in line] == []


def profile(limit: float) -> dict[str, Any]:
    """A SetChargingProfile of 1.6; its limit is in steps of a tenth."""
    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": schedule,
        },
    }


async def test_configuration_is_read_by_a_button(view: Page, world: Shown) -> None:
    """It sends the command of the station's version, and shows and filters what comes."""
    await go(view, world, f"#token={TOKEN}")
    await go(view, world, station_view(OLD, "configuration"))
    await expect(view.get_by_text("Its configuration is not known here.")).to_be_visible()
    await view.get_by_role("button", name="Read configuration").click()
    rows = view.get_by_role("table", name="Configuration").locator("tbody tr")
    await expect(rows).to_have_count(2)
    await view.get_by_label("Filter").fill("heart")
    await expect(rows).to_have_text([re.compile("HeartbeatInterval.*300.*yes")])


async def test_power_and_energy_are_curves_that_tell_values(view: Page, world: Shown) -> None:
    """By the keyboard as well as under the pointer, on the station's page and the transaction's."""
    await go(view, world, station_view(OLD, "charging"))
    power = view.get_by_role("img", name=re.compile("^Power"))
    await power.focus()
    await view.keyboard.press("ArrowLeft")
    await expect(view.locator(".chart", has=power).locator("output")).to_contain_text(
        f"{POWER_W / 1000:g} kW"
    )
    await go(view, world, "#/transactions")
    await expect(view.get_by_role("group", name=re.compile("^Energy of"))).to_be_visible()
    await view.get_by_role("row", name=re.compile(OLD)).get_by_role("link").first.click()
    await expect(view.get_by_role("img", name=re.compile("^Energy"))).to_be_visible()
    await expect(view.locator(".figures")).to_contain_text("1.080 kWh")
    await expect(view.locator(".figures")).to_contain_text(re.compile(r"Duration\d\d min"))


async def test_curves_that_begin_late_say_so(view: Page, world: Shown) -> None:
    """What a transaction told before the console began to read is not in them."""

    async def later(route: Route) -> None:
        answer = await route.fetch()
        about = await answer.json()
        about["keeps"]["since_ms"] += 2 * 3_600_000
        await route.fulfill(response=answer, json=about)

    await go(view, world, station_view(OLD, "charging"))
    await expect(view.get_by_role("img", name=re.compile("^Energy"))).to_be_visible()
    await expect(view.get_by_text("its curves begin at")).to_have_count(0)
    await view.route("**/api/about", later)
    await go(view, world, station_view(OLD, "charging"))
    await expect(view.get_by_text("its curves begin at")).to_be_visible()


async def test_events_come_live_can_be_paused_and_filtered(view: Page, world: Shown) -> None:
    """One line each, the newest first."""
    await go(view, world, "#/events")
    first = view.locator(".lines > li").first
    await expect(first).to_contain_text(re.compile("WB-|img"))
    await view.get_by_role("button", name="Pause").click()
    await world.status("Reserved")
    await expect(view.get_by_text("2 new events wait")).to_be_visible()
    await expect(first).not_to_contain_text("Reserved")
    await view.get_by_role("button", name="Go on").click()
    line = view.locator(".lines > li", has_text="status=Reserved").first
    await line.locator("summary").click()
    await expect(line.locator(".json")).to_contain_text('"status": "Reserved"')
    await view.get_by_label("Action").fill("BootNotification")
    await expect(view.locator(".lines > li")).to_have_count(6)
    assert "action=BootNotification" in view.url


async def test_dead_letters_show_what_came(view: Page, world: Shown) -> None:
    """The rule, the place, the exact text, and the answer."""
    await go(view, world, "#/rejected")
    letter = view.locator(".letter")
    await expect(letter.get_by_label("The frame")).to_contain_text(SCRIPT)
    await expect(letter.get_by_label("Answered")).to_contain_text('[4,"bad"')
    await expect(letter.locator(".tag.bad")).to_be_visible()


async def test_schemas_are_a_tree(view: Page, world: Shown) -> None:
    """A field says its type and meaning; a record opens."""
    await go(view, world, "#/schemas")
    await view.get_by_role("link", name=re.compile(r"\.transactions$")).first.click()
    await expect(view.get_by_text("Counts every frame of the connection")).to_be_visible()
    start = view.locator(".tree summary", has_text="StartTransaction").first
    await start.click()
    await expect(view.locator(".tree .tree", has_text="meterStart").first).to_be_visible()


async def test_what_a_station_says_stays_text(view: Page, world: Shown) -> None:
    """Markup, controls and lengths of a hostile station do nothing, wherever they are shown."""
    name = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
    for route in ("#/stations", "#/events", f"#/station/{name}", "#/rejected"):
        await go(view, world, route)
        await expect(view.locator("main")).to_contain_text(HOSTILE)
        assert await view.locator("main script, main img, main b").count() == 0
        assert await too_wide(view) == []
    await go(view, world, f"#/station/{name}")
    await view.locator(".bubble summary", has_text="vendorId").first.click()
    await expect(view.locator(".json")).to_contain_text("</pre>" + SCRIPT + "\ufffd")
    assert await too_wide(view) == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_every_view_fits_wide_and_narrow_light_and_dark(
    world: Shown, browser: Browser, tmp_path: Path, scheme: str, width: int
) -> None:
    """Nothing sticks out at the width of a phone, nobody is kept out, as far as axe-core can tell;
    the dark is dark; screenshots are in the test's folder."""
    page, watch = await opened(
        *(browser, world.url),
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
    )
    for number, route in enumerate(VIEWS):
        await page.goto(world.url + route)
        name = route.split("/")[1]
        await expect(page.locator(f".view.{name} h1").first).to_be_visible()
        await page.screenshot(path=tmp_path / f"{number}.png")
        for one in await page.locator(".bar nav a, [role=tab]").all():
            await expect(one).to_be_in_viewport(ratio=1)
        assert (route, await too_wide(page), await barriers(page)) == (route, [], [])
    await page.goto(world.url + station_view(NEW, "command"))
    await page.get_by_label("Action").select_option("SetChargingProfile")
    await expect(page.get_by_label("startSchedule")).to_be_visible()
    assert await too_wide(page) == []
    assert await darkness(page) == (scheme == "dark")
    await page.get_by_role("button", name="Theme: auto").click()
    assert not await darkness(page)
    await page.get_by_role("button", name="Theme: light").click()
    assert await darkness(page)
    await page.context.close()
    assert watch.complaints == []


async def darkness(page: Page) -> bool:
    """Whether the page's ground is dark."""
    colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 3 * 128


async def test_a_page_that_nobody_sees_holds_no_connection(view: Page, world: Shown) -> None:
    """A browser has few of them for all its tabs; who comes back sees what is now."""
    await view.clock.install()
    await go(view, world, "#/stations")
    tile = view.locator(".tile", has_text=OLD)
    await expect(tile.locator(".cell")).to_have_count(2)
    look = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await view.evaluate(look, True)
    await view.clock.fast_forward(60_000)
    await world.status("Unavailable")
    async with view.expect_request("**/api/stream*"):
        await view.evaluate(look, False)
    await expect(tile).to_contain_text("U")


async def test_a_lost_connection_is_said_and_mended(world: Shown, browser: Browser) -> None:
    """The page goes on by itself as soon as the console is back."""
    page, _ = await opened(browser, world.url)
    await expect(page.locator(".tile", has_text=OLD)).to_be_visible()
    world.console.kill()
    await expect(page.get_by_text("Connection to the console lost")).to_be_visible()
    world.console.launch()
    await expect(page.get_by_text("Connection to the console lost")).to_have_count(0)
    await world.status("Finishing")
    await expect(page.locator(".tile", has_text=OLD)).to_contain_text("F")
    await page.context.close()
