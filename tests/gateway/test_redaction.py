"""Secrets never leave: typed, as text, and in text that nobody can read."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redaction import REDACTED, is_secret, redact, redact_text, suspicious
from schemas.catalogue import schema_files
from schemas.forms import form

SECRET = "s3cr3t-W0rd"

# Every property of the OCPP schemas whose name sounds like a secret or an address.
HIDDEN = {"apnPassword", "basicAuthPassword", "simPin", "vpn.key", "vpn.password"}
ADDRESSES = {"location", "ocppCsmsUrl", "receiptUrl", "remoteLocation", "responderURL", "urls"}
SHOWN = {
    # Who charges: billing needs it, and a token that is shown to every station is no secret.
    "additionalIdToken", "groupIdToken", "hashRootCertificate", "idToken", "idTokenInfo",
    "idTokens", "localAuthorizationList",
    # Certificates and their hashes, public by nature.
    "certificateHashData", "certificateHashDataChain", "childCertificateHashData", "hashAlgorithm",
    "iso15118CertificateHashData", "issuerKeyHash", "issuerNameHash", "publicKey",
    # The names of settings, not their values.
    "configurationKey", "key", "unknownKey",
    # Codes and kinds.
    "apnAuthentication", "errorCode", "postalCode", "reasonCode", "techCode", "vendorErrorCode",
    # They only sound alike.
    "ocppInterface",
}  # fmt: skip
SOUNDS = ("pass", "secret", "key", "pin", "cred", "token", "auth", "pwd", "code", "hash", "url")


def _names(version, action, part):
    def walk(node, parent):
        if node.items:
            yield from walk(node.items, parent)
        for field in node.fields:
            yield f"{parent}.{field.name}" if parent == "vpn" else field.name
            yield from walk(field.form, field.name)

    return walk(form(version, action, part), "")


ALL_NAMES = sorted(
    {
        name
        for version in ("1.6", "2.0.1", "2.1")
        for action, part in schema_files(version)
        for name in _names(version, action, part)
    }
)


def test_every_property_that_sounds_like_a_secret_is_judged():
    """A new schema cannot bring a new secret unseen: each such name is on one of the lists."""
    sounding = {name for name in ALL_NAMES if any(word in name.lower() for word in SOUNDS)}
    assert sounding - HIDDEN - ADDRESSES - SHOWN == set()
    assert set(ALL_NAMES) >= HIDDEN | ADDRESSES


@pytest.mark.parametrize("name", ALL_NAMES)
def test_exactly_the_secret_properties_are_hidden(name):
    """Of all properties in 387 schemas, those of HIDDEN lose their value, and no other."""
    parent, _, own = name.rpartition(".")
    payload = {own: SECRET}
    nested = {parent: payload} if parent else payload
    hidden = {own: REDACTED if name in HIDDEN else SECRET}
    assert redact(nested) == ({parent: hidden} if parent else hidden)


def _variable(name):
    return {"component": {"name": "SecurityCtrlr"}, "variable": {"name": name}}


PAYLOADS = {
    "ChangeConfiguration": {"key": "AuthorizationKey", "value": SECRET},
    "value before key": {"value": SECRET, "key": "authorizationkey"},
    "GetConfiguration": {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "AuthorizationKey", "readonly": False, "value": SECRET},
        ]
    },
    "vendor key": {"key": "WiFi_Password", "value": SECRET},
    "SetVariables": {
        "setVariableData": [{"attributeValue": SECRET, **_variable("BasicAuthPassword")}]
    },
    "GetVariables": {
        "getVariableResult": [
            {"attributeStatus": "Accepted", **_variable("VpnKey"), "attributeValue": SECRET}
        ]
    },
    "NotifyReport": {
        "reportData": [{**_variable("SimPin"), "variableAttribute": [{"value": SECRET}]}]
    },
    "NotifyEvent": {"eventData": [{"actualValue": SECRET, **_variable("BasicAuthPassword")}]},
    "SetNetworkProfile": {
        "connectionData": {
            "basicAuthPassword": SECRET,
            "ocppCsmsUrl": f"wss://CS1:{SECRET}@csms.example/ocpp",
            "apn": {"apn": "internet", "apnPassword": SECRET, "simPin": SECRET},
            "vpn": {"server": "vpn.example", "user": "u", "password": SECRET, "key": SECRET},
        }
    },
    "GetDiagnostics": {"location": f"ftp://user:{SECRET}@host/path"},
    "customData": {"customData": {"vendorId": "x", "deep": [{"Pass-Phrase": {"of": SECRET}}]}},
    "DataTransfer": {"vendorId": "x", "data": json.dumps({"password": SECRET, "other": "kept"})},
    "number": {"key": "AuthorizationKey", "value": 12345678},
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_the_secret_is_hidden_and_nothing_else(payload):
    """Wherever OCPP has a place for a secret, it is replaced, and the payload keeps its form."""
    before = json.dumps(payload)
    redacted = redact(payload)
    after = json.dumps(redacted)
    assert SECRET not in after
    assert "12345678" not in after
    assert json.dumps(payload) == before, "the payload given is unchanged"
    for kept in ("HeartbeatInterval", "300", "SecurityCtrlr", "vpn.example", "host/path", "kept"):
        assert (kept in after) == (kept in before)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_text_hides_what_the_typed_form_hides(payload):
    """A frame's text and its payload agree about secrets, whatever the blanks and escapes."""
    frame = [2, "1", "SomeAction", payload]
    hidden = [2, "1", "SomeAction", redact(payload)]
    for text in (
        json.dumps(frame),
        json.dumps(frame, indent=4),
        json.dumps(frame, separators=(",", ":")).replace("y", "\\u0079").replace("/", "\\/"),
    ):
        assert suspicious(text)
        assert json.loads(redact_text(text)) == hidden


# In the others the value stands before its name, which a cut may have taken.
NAME_FIRST = sorted(PAYLOADS.keys() - {"value before key", "SetVariables", "NotifyEvent"})


@pytest.mark.parametrize("case", NAME_FIRST)
def test_a_text_cut_anywhere_shows_no_secret(case):
    """A frame that breaks off at whatever character shows nothing of its secret."""
    text = json.dumps([2, "1", "SomeAction", PAYLOADS[case]])
    for end in range(len(text)):
        shown = redact_text(text[:end])
        assert SECRET[:6] not in shown
        assert "123456" not in shown


@pytest.mark.parametrize(
    "text",
    [
        f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{SECRET}"}}',
        f'[2,"1","ChangeConfiguration",{{"value":"{SECRET}","key":"AuthorizationKey"',
        f'{{"value" : "a\\"{SECRET}" , "key" : "Authorization\\u004bey"',
        f"{{'value': 'x {SECRET}', 'key': 'AuthorizationKey'}}",
        f"key=AuthorizationKey value={SECRET}",
        f'{{"key:"AuthorizationKey","value":"{SECRET}"}}',
        f'{{"password":"{SECRET}","password":null}}',
        f'{{"vpn":{{"server":"x","key":"{SECRET}"',
        f'{{"attributeValue":"{SECRET}","variable":{{"name":"BasicAuthPassword"}}',
        f'PASSWORD: "{SECRET}"',
        f"connect to ftp://me:{SECRET}@host failed",
        f'{{"a": NaN, "simPin": "{SECRET}"}}',
        "[" * 5000 + f'"password","{SECRET}"',
    ],
)
def test_text_that_is_no_json_shows_no_secret(text):
    """Where nobody can tell the end of a secret, all from its name on is hidden."""
    shown = redact_text(text)
    assert SECRET not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","Heartbeat",{}]',
        '[2, "1", "ChangeConfiguration", {"key":"HeartbeatInterval",  "value":"1.50"}]',
        '[2,"1","DataTransfer",{"vendorId":"x","data":"the key is under the mat"}]',
        '[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":true,"value":null}]}]',
        '[2,"1","Authorize",{"idTag":"ops@example.org"}',
        '[2,"1","StatusNotification",{"info":"t\\u00fcr"}]',
        "",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text):
    """To the letter, blanks and number forms included."""
    assert redact_text(text) == text


def test_a_payload_nested_beyond_ocpp_is_hidden_there():
    """Depth costs no stack: it is cut, whatever was there."""
    deep = current = {}
    for _ in range(5000):
        current["a"] = {}
        current = current["a"]
    assert REDACTED in json.dumps(redact(deep))


def test_frequent_frames_are_cleared_by_their_action():
    """A conforming MeterValues is not read for secrets, unless vendor data or escapes are in it."""
    assert not suspicious('{"context":"no key"}', "MeterValues")
    assert suspicious('{"context":"no key"}')
    assert suspicious('{"context":"no key"}', "ChangeConfiguration")
    assert suspicious('{"customData":{"key":1}}', "MeterValues")
    assert suspicious('{"\\u0063ustomData":{"key":1}}', "MeterValues")


@pytest.mark.parametrize(
    "name", ["AuthorizationKey", "basicAuthPassword", "WIFI-PSK", "vendor.api_key", "Pass Phrase"]
)
def test_secret_names_are_known_in_any_spelling(name):
    """Case and separators do not matter."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["HeartbeatInterval", "key", "publicKey", "WebSocketPing", 7, None]
)
def test_other_names_are_no_secrets(name):
    """A name that only sounds alike hides nothing."""
    assert not is_secret(name)


SIZE = 256 * 1024


@pytest.mark.parametrize(
    "unit",
    [
        '\\"', '"', "value:", 'value:"', "value", "://", "://a:", "://a:@", ":" * 3, "pass_", "[",
        '{"a":', "\\u0070", 'key"', "@", "pass" + "_" * 3, '"password":', "wi_fi", "value\\",
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", ["", '{"password":"', '{"value":"x', "password"])
def test_hostile_text_takes_linear_time(start, unit):
    """Of 256 KiB each costs what each of 32 KiB does: no regular expression backtracks.

    That would be eight times as much. A machine with other work to do spoils some measurements.
    """

    def cost_s(size):
        text = (start + unit * (size // len(unit)))[:size] + "password"
        began = time.process_time()
        redact_text(text)
        return time.process_time() - began

    assert any(cost_s(SIZE) < 24 * cost_s(SIZE // 8) for _ in range(5))
    assert min(cost_s(SIZE) for _ in range(3)) < 10


@given(st.text(max_size=200), st.recursive(st.text(max_size=9) | st.none(), st.lists))
def test_any_text_and_value_is_redacted_without_an_error(text, value):
    """Redaction stands in the way of every dead letter, so it never fails."""
    redact_text(text)
    redact_text(text + "password" + text)
    redact({text: value, "password": value})
