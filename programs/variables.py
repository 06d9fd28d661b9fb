"""The names of all settings of all programs: what is none of them is misspelt.

A setting is the variable ``CHARGEWIRE_<NAME>`` and the key ``<name>`` of a configuration file.
"""

_EVERYWHERE = """
    config kafka prefix partitions frame_limit_bytes schema_registry log_format log_level
    tracing tracing_sample
"""
_GATEWAY = """
    listen admin path instance workers connections_max handshakes_max
    handshake_time_s pipelined_calls_max pipelined_answers_extra decision_time_s
    ack_time_s events_in_flight_max outage_time_s retry_after_s
    ping_interval_s ping_time_s takeovers_per_minute drain_time_s drain_slice
    subprotocol_fallback unknown_stations boot_interval_s pending_interval_s decided
    authorize_fallback quirks allow_single_replica
    call_time_s command_hold_s queued_commands_max secrets gather_ms
    security_profile_min password_tries_per_minute tls_certificate tls_key tls_client_authorities
    trusted_proxies client_certificate_header
"""
_ELSEWHERE = """
    data stations store batch_records publish
    decides unknown_tokens free_charging concurrent_use concurrent_use_hours local_lists
    claim_wait_s answer_wait_s gateway_lost_s readings_kept_days
"""
_CONSOLE = """
    console_listen console_hosts console_token console_token_file console_since
    console_frames console_frames_total console_events console_transactions
"""

VARIABLES = frozenset(f"{_EVERYWHERE} {_GATEWAY} {_ELSEWHERE} {_CONSOLE}".split())
