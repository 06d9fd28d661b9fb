"""Alerts about the certificate that gateways show to stations."""

from deploy.prometheus.alert import Alert

CERTIFICATES = (
    Alert(
        "ChargewireCertificateFilesBroken",
        "critical",
        "1m",
        "chargewire_certificates_broken > 0",
        "{{ $labels.instance }} cannot use the new certificate files",
        "It goes on with the old ones; one that is started anew cannot start at all.",
        (
            "Its log says which file, and why: `new certificate files cannot be used`.",
            "`openssl x509 -noout -dates -subject -in FILE`; do certificate and key belong "
            "together, is the CRL of the authorities' file whole?",
            "Put right what writes the files (cert-manager: `kubectl describe certificate`); they "
            "are taken within seconds, without a restart.",
        ),
    ),
    Alert(
        "ChargewireCertificateExpiring",
        "warning",
        "1h",
        "chargewire_certificates_expiring > 0",
        "The certificate of {{ $labels.instance }} ends within two weeks",
        "When it has ended, stations that look at it do not connect any more.",
        (
            "`openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -dates`: is it "
            "that of the file?",
            "The file is old: why was it not renewed? cert-manager does it a month before.",
            "The file is new: see ChargewireCertificateFilesBroken.",
        ),
    ),
)
