"""Facts about the settings of who may claim to be a station."""

import pytest

from gateway.config import Config, load
from programs.settings import SettingsError


def refused(**settings):
    with pytest.raises(SettingsError) as caught:
        load(settings, environ={})
    return str(caught.value)


def test_nothing_is_asked_for_by_default():
    """The first run works."""
    config = load({}, environ={})
    assert (config.security_profile_min, config.tls_certificate, config.trusted_proxies) == (
        0,
        "",
        (),
    )
    assert isinstance(config, Config)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"tls_key": "k"}, "TLS_CERTIFICATE"),
        ({"tls_client_authorities": "a"}, "TLS_CERTIFICATE"),
        ({"client_certificate_header": "Client-Cert"}, "TRUSTED_PROXIES"),
        ({"security_profile_min": "2"}, "no station could connect"),
        ({"security_profile_min": "3", "tls_certificate": "c"}, "TLS_CLIENT_AUTHORITIES"),
        ({"security_profile_min": "4"}, "at most 3"),
        ({"trusted_proxies": "10.0.0.0/8,proxy"}, "such as 10.0.0.0/8"),
        ({"trusted_proxies": "::1", "client_certificate_header": "a: b"}, "name of a header"),
    ],
)
def test_what_would_let_nobody_in_or_everybody_stops_the_start(settings, named):
    """And the variables are named."""
    assert named in refused(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"security_profile_min": "1"},
        {"security_profile_min": "2", "tls_certificate": "c"},
        {"security_profile_min": "2", "trusted_proxies": "10.0.0.1"},
        {
            "security_profile_min": "3",
            "tls_certificate": "c",
            "tls_client_authorities": "a",
        },
        {
            "security_profile_min": "3",
            "trusted_proxies": "10.0.0.1,fd00::/8",
            "client_certificate_header": "X-Forwarded-Client-Cert",
        },
    ],
)
def test_what_goes_together_is_taken(settings):
    """With TLS here, or at a proxy."""
    assert load(settings, environ={}).security_profile_min == int(settings["security_profile_min"])
