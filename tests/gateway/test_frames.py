"""OCPP-J text and frame values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.frames import Call, Error, FrameError, Result, decode, encode_error, encode_result
from schemas.catalogue import VERSIONS

V16, V201, V21 = VERSIONS["1.6"], VERSIONS["2.0.1"], VERSIONS["2.1"]


def refused(text, version=V16):
    with pytest.raises(FrameError) as caught:
        decode(text, version)
    return caught.value


def test_a_call_is_read_with_its_payload_as_it_was_sent():
    """Blanks between the elements do not matter, the payload's text is kept."""
    frame = decode('[ 2 , "19", "Heartbeat" , { "a" : 1.50 } ]', V16)
    assert frame == Call("19", "Heartbeat", b'{ "a" : 1.50 }')


def test_a_result_and_an_error_are_read():
    """CALLRESULT and CALLERROR of any version."""
    assert decode('[3,"a",{}]', V16) == Result("a", b"{}")
    assert decode('[4,"a","GenericError","",{}]', V201) == Error("a", "GenericError", "", b"{}")


@pytest.mark.parametrize("text", ['[4,"a","X"]', '[4,"a","X",null]', '[4,"a","X",null,null]'])
def test_an_error_without_all_its_elements_is_still_an_error(text):
    """Stations leave out description and details, or send null."""
    frame = decode(text, V16)
    assert isinstance(frame, Error)
    assert (frame.code, frame.description) == ("X", "")


def test_send_and_result_error_are_of_2_1_only():
    """OCPP 2.1 adds message types 5 and 6; the others do not know them."""
    assert decode('[6,"a","NotifyPeriodicEventStream",{}]', V21).send
    assert decode('[5,"a","InternalError","",{}]', V21).of_result
    assert refused('[6,"a","NotifyPeriodicEventStream",{}]', V201).code == "MessageTypeNotSupported"


def test_an_unknown_message_type_is_answered_in_2_x_only():
    """OCPP-J 1.6, 4.1.3: ignore it; 2.x has MessageTypeNotSupported."""
    assert refused('[9,"a","b",{}]', V16).code is None
    error = refused('[9,"a","b",{}]', V201)
    assert (error.rule, error.code) == ("unknown_message_type", "MessageTypeNotSupported")
    assert error.message_id == "a"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty_frame"),
        (" \n", "empty_frame"),
        ("hello", "malformed_json"),
        ("{}", "malformed_json"),
        ("[]", "unknown_message_type"),
        ("[2]", "arity"),
        ('[2,"a"]', "arity"),
        ('[2,"a","Heartbeat"]', "arity"),
        ('[2,"a","Heartbeat",{},{}]', "arity"),
        ('[2,"a",["Heartbeat"],{}]', "action"),
        ('[2,"a",7,{}]', "action"),
        ('[2,"","Heartbeat",{}]', "message_id"),
        ('[2,12,"Heartbeat",{}]', "message_id"),
        ('[2,null,"Heartbeat",{}]', "message_id"),
        ('[3,"a"]', "arity"),
        ("[3,7,{}]", "message_id"),
        ("[" * 100_000, "nesting"),
        ('[2,"a","Heartbeat",' + "[" * 100_000 + "]" * 100_000 + "]", "nesting"),
        ('[2,"a","Heartbeat",{}', "malformed_json"),
        ('[2,"a","MeterValues",{"v":NaN}]', "malformed_json"),
        ('["2","a","Heartbeat",{}]', "unknown_message_type"),
        ("[true]", "unknown_message_type"),
        ("[2.5]", "unknown_message_type"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda v: v.name)
def test_what_is_no_frame_is_named(text, rule, version):
    """Each kind of wrong frame has its rule, in every version."""
    assert refused(text, version).rule == rule


def test_a_broken_call_is_answered_by_its_id_where_that_can_be_read():
    """A CALL whose payload is no JSON keeps its place: the station learns which one it was."""
    error = refused('[2,"42","MeterValues",{"v":NaN}]')
    assert (error.message_id, error.action, error.code) == ("42", "MeterValues", "FormatViolation")


def test_answers_are_never_answered():
    """A broken CALLRESULT or CALLERROR gets no answer, or two parties would never end."""
    assert refused('[3,"a"]').code is None
    assert refused('[4,"a"]', V201).code is None


def test_error_words_are_those_of_the_version():
    """1.6 keeps its own spelling (errata 5.1, 5.2), 2.x has another."""
    for version, word in (
        (V16, "OccurenceConstraintViolation"),
        (V21, "OccurrenceConstraintViolation"),
    ):
        text = encode_error(version, "a", "OccurrenceConstraintViolation", "d" * 300)
        assert json.loads(text) == [4, "a", word, "d" * 255, {}]


def test_only_2_x_can_answer_what_has_no_id():
    """Message id "-1" belongs to 2.x (part 4, 4.2.3); 1.6 has no way to say it."""
    assert encode_error(V16, None, "FormatViolation", "") is None
    assert json.loads(encode_error(V201, None, "RpcFrameworkError", ""))[1] == "-1"


@given(st.text(max_size=200))
def test_any_text_is_a_frame_or_one_frame_error(text):
    """Whatever a station sends, decode ends in one of two ways."""
    for version in VERSIONS.values():
        try:
            assert isinstance(decode(text, version), Call | Result | Error)
        except FrameError as error:
            assert error.rule  # noqa: PT017 - one of two ways that are both right


@given(
    st.text(min_size=1, max_size=36, alphabet=st.characters(exclude_categories=("Cs",))),
    st.dictionaries(st.text(max_size=5, alphabet="abc"), st.integers(), max_size=3),
)
def test_a_result_that_is_written_is_read_the_same(message_id, payload):
    """decode after encode is identity."""
    frame = decode(encode_result(message_id, payload), V201)
    assert isinstance(frame, Result)
    assert frame.message_id == message_id
    assert json.loads(frame.payload) == payload


@pytest.mark.parametrize(
    ("sent", "echoed_16", "echoed_2x"),
    [
        ("12", "12", "12"),
        ("-1.5", "-1.5", "-1.5"),
        ('""', "", None),
        ("null", "", None),
        ("[7]", "", None),
        ('"\\ud800"', "", None),
        ('"' + "m" * 300 + '"', "m" * 255, "m" * 255),
    ],
)
def test_what_is_no_message_id_is_echoed_as_far_as_it_can_be(sent, echoed_16, echoed_2x):
    """2.x has an id of its own for none; on 1.6, FormationViolation goes with an empty one."""
    text = f'[2,{sent},"Heartbeat",{{}}]'
    assert refused(text, V16).message_id == echoed_16
    assert refused(text, V16).code == "FormatViolation"
    for version in (V201, V21):
        assert refused(text, version).message_id == echoed_2x
        assert refused(text, version).code == "RpcFrameworkError"


@pytest.mark.parametrize("text", ['[3,"a",{', '[4,"a","X"', ' [ 5 ,"a"', '[6,"a","Heartbeat",{'])
@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda v: v.name)
def test_answers_that_are_no_json_are_not_answered_either(text, version):
    """Nor is a SEND, the type of 2.1 that wants no answer."""
    assert refused(text, version).code is None


def test_a_send_is_never_answered():
    """Whatever is wrong with it (OCPP 2.1, part 4)."""
    for text in ('[6,1,"Heartbeat",{}]', '[6,"a",{},{}]', '[6,"a"]'):
        assert refused(text, V21).code is None


def test_half_a_surrogate_pair_in_a_payload_is_left_to_the_rules_of_payloads():
    """It is JSON: the call goes by its id and action, the payload keeps the escape."""
    frame = decode('[2, "a", "Authorize", {"idTag": "\\ud800", "x": "ä"}]', V16)
    assert isinstance(frame, Call)
    assert json.loads(frame.payload) == {"idTag": "\ud800", "x": "ä"}
    assert refused('{"a":"\\ud800"}').rule == "malformed_json"
    assert refused('[2,"a","Authorize",{"idTag":"\\ud800"').rule == "malformed_json"
