"""Which gateways are gone, by what was heard here and by our own clock."""

from consumers.commands.signs import Signs


def listened(signs, begin_s, end_s, heard=(), silent_s=0.0):
    """Look once a second; `heard` are those of whom there is a sign every five."""
    for second in range(begin_s, end_s + 1):
        for gateway in heard if second % 5 == 0 else ():
            signs.heard(gateway, second)
        signs.looked(second, silent_s)
    return signs


def test_who_was_not_heard_for_so_long_is_gone():
    """Counted from the last sign that was read; the beginning of the topic is read first."""
    signs = Signs(15.0)
    signs.heard("old", 100)
    signs.heard("gw", 100)
    listened(signs, 100, 115, heard=["gw"])
    assert not signs.are_known
    assert signs.alive == {"old", "gw"}
    listened(signs, 116, 116)
    assert signs.are_known
    assert signs.alive == {"gw"}


def test_a_time_in_which_we_did_not_run_says_nothing():
    """SIGSTOP, a laptop's lid, or a busy loop: all gateways seem to be gone then."""
    signs = listened(Signs(15.0), 0, 60, heard=["gw"])
    assert signs.are_known
    signs.looked(90, 0.0)
    assert (signs.are_known, signs.alive) == (False, set())
    listened(signs, 91, 105, heard=["gw"])
    assert not signs.are_known
    listened(signs, 106, 106)
    assert (signs.are_known, signs.alive) == (True, {"gw"})


def test_a_log_that_says_nothing_tells_of_itself():
    """A broker that is away answers no fetch; one that is there does so twice a second."""
    signs = listened(Signs(15.0), 0, 60, heard=["gw"])
    listened(signs, 61, 100, silent_s=8.0)
    assert not signs.are_known
    listened(signs, 101, 115)
    assert not signs.are_known


def test_who_is_gone_may_come_back_under_its_name():
    """After SIGCONT, for instance."""
    signs = listened(Signs(15.0), 0, 60)
    assert signs.alive == set()
    signs.heard("gw", 60)
    assert signs.alive == {"gw"}


def test_names_are_not_kept_for_ever():
    """Every start of a gateway has a new one."""
    signs = listened(Signs(15.0), 0, 1, heard=[f"gw-{n}" for n in range(100)])
    listened(signs, 3602, 3602)
    assert len(signs._heard_s) == 0
