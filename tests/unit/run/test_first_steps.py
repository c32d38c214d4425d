"""What `init` makes: certificate, DNS records."""

from __future__ import annotations

import os
import ssl
import stat

from cryptography import x509

from holdfast.flow.records.zone import record_line
from holdfast.run import certificate
from holdfast.run.reading import parse
from holdfast.run.records import records_for
from holdfast.world import real_world

NOW = 1_800_000_000.0


def test_the_certificate_fits_its_key_and_names_every_host(tmp_path):
    paths = str(tmp_path / "tls" / "c.pem"), str(tmp_path / "tls" / "k.pem")
    certificate.make(*paths, ["mail.example.org", "127.0.0.1", "::1"], NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*paths)
    with open(paths[0], "rb") as file:
        made = x509.load_pem_x509_certificate(file.read())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert stat.S_IMODE(os.stat(paths[1]).st_mode) == 0o600
    assert made.not_valid_before_utc.timestamp() < NOW < made.not_valid_after_utc.timestamp()


def test_the_records_name_the_machine_and_the_ports_it_listens_on():
    text = "[service]\nhostname = 'mx.example.net'\n[listen]\nimaps = ['0.0.0.0:9993']\npop3 = []\n"
    config = parse(text, "/nowhere/h.toml", {})
    records = [record_line(each) for each in records_for("example.org", config, real_world())]
    assert "example.org. IN MX 10 mx.example.net." in records
    assert 'example.org. IN TXT "v=spf1 mx -all"' in records
    assert any(each.startswith("_dmarc.example.org. IN TXT") for each in records)
    assert "_imaps._tcp.example.org. IN SRV 0 1 9993 mx.example.net." in records
    assert "_imap._tcp.example.org. IN SRV 10 1 143 mx.example.net." in records


def test_a_service_that_is_not_offered_is_said_not_to_be():
    """RFC 6186 §3.4: a target of '.'."""
    config = parse("[listen]\npop3 = []\n", "/nowhere/h.toml", {})
    records = [record_line(each) for each in records_for("example.org", config, real_world())]
    assert "_pop3._tcp.example.org. IN SRV 0 0 0 ." in records
