# ruff: noqa: E501
"""Whole messages: structures, broken ones too, and the shapes that programs and lists give mail."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

HEAD = (
    b"From: Anna Smith <anna@example.net>\r\nTo: reader@example.org\r\nSubject: Minutes\r\n"
    b"Date: Mon, 6 Jan 2025 10:00:00 +0100\r\nMessage-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
)
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\nGood morning.\r\n\r\nAnna"
HTML = (
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>Good =\r\nmorning.</p>\r\n"
)
PICTURE = (
    b'Content-Type: image/png; name="a.png"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <pic@x>\r\n'
    b'Content-Disposition: inline; filename="a.png"\r\n\r\n'
    + base64.encodebytes(bytes(range(200))).replace(b"\n", b"\r\n")
)
INNER = (
    b"From: inner@example.org\r\nSubject: inner\r\nDate: Sun, 5 Jan 2025 09:00:00 +0000\r\n\r\ninner text\r\n"
)


def entity(
    kind: str, boundary: str, *parts: bytes, extra: str = "", before: bytes = b"", after: bytes = b""
) -> bytes:
    """A multipart entity, its Content-Type field first."""
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"{extra}\r\n\r\n'.encode()
    mark = b"--" + boundary.encode()
    return (
        head + before + b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n" + after
    )


def embedded(message: bytes) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" + message


def messages() -> Iterator[tuple[str, bytes]]:
    for source in (
        _plain,
        _multiparts,
        _boundaries,
        _nesting,
        _line_ends,
        _eightbit,
        _encodings,
        _reports,
        _programs,
    ):
        yield from source()


def _plain() -> Iterator[tuple[str, bytes]]:
    yield "plain-simple", HEAD + PLAIN + b"\r\n"
    yield "plain-no-mime", b"From: a@b\r\nSubject: x\r\n\r\nbody\r\n"
    yield "plain-no-newline-at-end", b"From: a@b\r\n\r\nno newline"
    yield "plain-empty", b"\r\n"
    yield "plain-header-only", b"Subject: x\r\nFrom: a@b\r\n"
    yield "plain-header-only-blank", b"Subject: x\r\nFrom: a@b\r\n\r\n"
    yield "plain-header-unended", b"Subject: x\r\nFrom: a@b"
    yield "plain-body-only", b"\r\nbody without header\r\n"
    yield "plain-no-colon", b"this is no header\r\n\r\nbody\r\n"
    yield "plain-mbox-line", b"From a@b Mon Jan  6 10:00:00 2025\r\nFrom: a@b\r\n\r\nbody\r\n"
    yield "plain-long-line", HEAD + b"\r\n" + b"x" * 20000 + b"\r\n"
    yield "plain-long-field", b"Subject: " + b"word " * 3000 + b"\r\n\r\nbody\r\n"
    yield "plain-long-folded", b"Subject: a\r\n" + b" word word word\r\n" * 500 + b"\r\nbody\r\n"
    yield (
        "plain-many-recipients",
        b"To: " + b",\r\n ".join(b"user%d@example.org" % n for n in range(300)) + b"\r\n\r\nx\r\n",
    )
    yield (
        "plain-many-fields",
        b"".join(b"X-Field-%d: %d\r\n" % (n, n) for n in range(500)) + b"Subject: last\r\n\r\nx\r\n",
    )
    yield "plain-blank-line-with-spaces", b"Subject: x\r\n   \r\nFrom: a@b\r\n\t\r\n\r\nbody\r\n"
    yield "plain-tabs", b"Subject:\ta\tb\r\n\tc\r\nFrom:\ta@b\r\n\r\nbody\r\n"
    yield (
        "plain-everything-folded",
        (
            b'From:\r\n "A\r\n B"\r\n <a@b\r\n >\r\nTo:\r\n c@d\r\n ,\r\n e@f\r\nDate:\r\n Mon, 6 Jan 2025\r\n 10:00:00 +0100\r\n'
            b"MIME-Version:\r\n 1.0\r\nContent-Type:\r\n text/plain\r\n ;\r\n charset\r\n =\r\n utf-8\r\n\r\nbody\r\n"
        ),
    )
    yield "plain-empty-lines-body", HEAD + b"\r\n\r\n\r\n\r\n"


def _multiparts() -> Iterator[tuple[str, bytes]]:
    yield "mixed", HEAD + entity("mixed", "b1", PLAIN, PICTURE)
    yield "alternative", HEAD + entity("alternative", "b1", PLAIN, HTML)
    yield "related", HEAD + entity("related", "b1", HTML, PICTURE, extra='; type="text/html"; start="<x>"')
    yield "parallel-unknown-subtype", HEAD + entity("x-strange", "b1", PLAIN, HTML)
    yield (
        "mixed-alternative-related",
        HEAD
        + entity(
            "mixed", "a", entity("alternative", "b", PLAIN, entity("related", "c", HTML, PICTURE)), PICTURE
        ),
    )
    signature = b'Content-Type: application/pgp-signature; name="s.asc"\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\niQ==\r\n'
    yield (
        "signed",
        HEAD
        + entity(
            "signed",
            "b1",
            PLAIN,
            signature,
            extra='; micalg=pgp-sha256; protocol="application/pgp-signature"',
        ),
    )
    yield "encrypted", HEAD + entity(
        "encrypted", "b1", b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n", PICTURE,
        extra='; protocol="application/pgp-encrypted"',
    )  # fmt: skip
    yield "form-data", HEAD + entity("form-data", "b1", b'Content-Disposition: form-data; name="f"\r\n\r\nv')
    yield (
        "preamble-epilogue",
        HEAD + entity("mixed", "b", PLAIN, before=b"For old readers.\r\n", after=b"epilogue\r\n"),
    )
    yield "empty-part", HEAD + entity("mixed", "b", b"", b"\r\n", b"\r\n\r\n", PLAIN)
    yield "one-part", HEAD + entity("mixed", "b", PLAIN)
    yield "no-part", HEAD + entity("mixed", "b")
    yield (
        "no-part-with-preamble",
        HEAD + entity("mixed", "b", before=b"nothing here\r\n", after=b"nor here\r\n"),
    )
    yield "digest", HEAD + entity("digest", "b", b"\r\n" + INNER, b"\r\n" + INNER)
    yield "digest-with-types", HEAD + entity("digest", "b", embedded(INNER), PLAIN)
    yield "digest-header-cut", HEAD + entity("digest", "b", b"\r\nSubject: cut")
    yield "digest-part-header-cut", HEAD + entity("digest", "b", b"Subject: cut", b"\r\n" + INNER)
    yield "digest-in-mixed", HEAD + entity("mixed", "a", PLAIN, entity("digest", "b", b"\r\n" + INNER))
    yield "embedded", HEAD + entity("mixed", "b", PLAIN, embedded(INNER))
    yield "embedded-alone", HEAD + embedded(INNER)
    yield "embedded-multipart", HEAD + embedded(HEAD + entity("alternative", "b", PLAIN, HTML))
    yield "embedded-empty", HEAD + entity("mixed", "b", embedded(b""))
    yield "embedded-no-header", HEAD + entity("mixed", "b", embedded(b"\r\nonly body"))
    yield "embedded-header-cut", HEAD + entity("mixed", "b", embedded(b"Subject: only a header\r\nFrom: a@b"))
    yield (
        "embedded-base64",
        HEAD
        + entity(
            "mixed",
            "b",
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.b64encode(INNER),
        ),
    )
    yield "embedded-with-name", HEAD + entity(
        "mixed", "b", b'Content-Type: message/rfc822; name="m.eml"\r\nContent-Description: mail\r\n'
        b'Content-Disposition: attachment; filename="m.eml"\r\n\r\n' + INNER,
    )  # fmt: skip
    yield "embedded-global", HEAD + entity("mixed", "b", b"Content-Type: message/global\r\n\r\n" + INNER)
    yield "all-extension-data", HEAD + entity(
        "mixed", "b", b"Content-Type: text/plain\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Language: de, en\r\n"
        b"Content-Location: http://example.org/a\r\nContent-Disposition: inline; filename=a\r\n\r\nx",
    )  # fmt: skip
    yield (
        "extension-data-on-multipart",
        HEAD
        + (
            b"Content-Language: de\r\nContent-Location: x\r\nContent-Disposition: inline\r\nContent-ID: <x>\r\n"
        )
        + entity("mixed", "b", PLAIN),
    )
    yield "multipart-without-mime-version", b"Subject: x\r\n" + entity("mixed", "b", PLAIN)
    yield (
        "multipart-with-encoding",
        HEAD + b"Content-Transfer-Encoding: base64\r\n" + entity("mixed", "b", PLAIN),
    )
    yield "hundred-parts", HEAD + entity("mixed", "b", *[b"\r\npart %d" % n for n in range(100)])


def _boundaries() -> Iterator[tuple[str, bytes]]:
    def body(kind: bytes, text: bytes) -> bytes:
        return HEAD + b"Content-Type: multipart/" + kind + b"\r\n\r\n" + text

    two = b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n"
    yield "boundary-no-end", body(b"mixed; boundary=b", two)
    yield "boundary-no-end-no-newline", body(b"mixed; boundary=b", two[:-2])
    yield "boundary-end-without-newline", body(b"mixed; boundary=b", two + b"--b--")
    yield "boundary-last-line-opens", body(b"mixed; boundary=b", two + b"--b")
    yield "boundary-last-line-opens-newline", body(b"mixed; boundary=b", two + b"--b\r\n")
    yield "boundary-only-end", body(b"mixed; boundary=b", b"--b--\r\n")
    yield "boundary-missing", body(b"mixed", two + b"--b--\r\n")
    yield "boundary-never-seen", body(b"mixed; boundary=zzz", two + b"--b--\r\n")
    yield "boundary-empty", body(b'mixed; boundary=""', b"--\r\n\r\none\r\n--\r\n\r\ntwo\r\n----\r\n")
    yield (
        "boundary-with-spaces",
        body(b'mixed; boundary="a b c"', two.replace(b"--b", b"--a b c") + b"--a b c--\r\n"),
    )
    yield "boundary-trailing-space", body(b'mixed; boundary="b "', two + b"--b --\r\n")
    yield (
        "boundary-lines-with-trailing-space",
        body(b"mixed; boundary=b", two.replace(b"--b", b"--b  ") + b"--b--  \r\n"),
    )
    yield (
        "boundary-unquoted-specials",
        body(b"mixed; boundary=a=b?c:d", two.replace(b"--b", b"--a=b?c:d") + b"--a=b?c:d--\r\n"),
    )
    yield (
        "boundary-quoted-specials",
        body(b'mixed; boundary="a=b?c:d"', two.replace(b"--b", b"--a=b?c:d") + b"--a=b?c:d--\r\n"),
    )
    yield "boundary-escaped", body(b'mixed; boundary="a\\"b"', two.replace(b"--b", b'--a"b') + b'--a"b--\r\n')
    yield (
        "boundary-rfc2231",
        body(b"mixed; boundary*0=a; boundary*1=b", two.replace(b"--b", b"--ab") + b"--ab--\r\n"),
    )
    yield "boundary-comment", body(b"mixed; boundary=b (comment)", two + b"--b--\r\n")
    yield (
        "boundary-dashes",
        body(b'mixed; boundary="--b--"', two.replace(b"--b", b"----b--") + b"----b----\r\n"),
    )
    yield (
        "boundary-ends-in-dashes",
        body(b'mixed; boundary="b---"', two.replace(b"--b", b"--b---") + b"--b-----\r\n"),
    )
    yield (
        "boundary-long",
        body(
            b"mixed; boundary=" + b"x" * 70,
            two.replace(b"--b", b"--" + b"x" * 70) + b"--" + b"x" * 70 + b"--\r\n",
        ),
    )
    yield (
        "boundary-too-long",
        body(
            b"mixed; boundary=" + b"x" * 200,
            two.replace(b"--b", b"--" + b"x" * 200) + b"--" + b"x" * 200 + b"--\r\n",
        ),
    )
    yield "boundary-twice", body(b"mixed; boundary=b; boundary=c", two + b"--b--\r\n")
    yield "boundary-case", body(b"mixed; BOUNDARY=B", two + b"--B\r\n\r\nreal\r\n--B--\r\n")
    yield (
        "boundary-in-header",
        body(b"mixed; boundary=b", b"--b\r\nContent-Type: text/plain\r\n--b\r\n\r\ntwo\r\n--b--\r\n"),
    )
    yield "boundary-right-after-boundary", body(b"mixed; boundary=b", b"--b\r\n--b\r\n--b--\r\n")
    yield "boundary-after-end", body(b"mixed; boundary=b", two + b"--b--\r\n--b\r\n\r\nthree\r\n--b--\r\n")
    yield (
        "boundary-line-with-more",
        body(b"mixed; boundary=b", b"--bxyz\r\n\r\none\r\n--b--xyz\r\nepilogue\r\n"),
    )
    yield (
        "boundary-not-at-line-begin",
        body(b"mixed; boundary=b", b" --b\r\n\r\none\r\n>--b\r\n--b\r\n\r\ntwo\r\n--b--\r\n"),
    )
    inner = b"--b\r\nContent-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n\r\ninner\r\n%b--b\r\n\r\nouter\r\n--b--\r\n"
    yield "boundary-inner-no-end", body(b"mixed; boundary=b", inner % (b"c", b"c", b""))
    yield "boundary-inner-prefix-longer", body(b"mixed; boundary=b", inner % (b"bc", b"bc", b"--bc--\r\n"))
    yield "boundary-inner-same", body(b"mixed; boundary=b", inner % (b"b", b"b", b"--b--\r\n"))
    outer = body(
        b"mixed; boundary=bc",
        inner.replace(b"--b\r\n", b"--bc\r\n").replace(b"--b--", b"--bc--") % (b"b", b"b", b"--b--\r\n"),
    )
    yield "boundary-inner-prefix-shorter", outer
    yield "boundary-inner-prefix-no-end", body(b"mixed; boundary=b", inner % (b"bc", b"bc", b""))
    yield (
        "boundary-outer-ends-inner",
        body(
            b"mixed; boundary=b", (inner % (b"c", b"c", b"")).partition(b"--b\r\n\r\nouter")[0] + b"--b--\r\n"
        ),
    )
    yield "boundary-inner-empty-name", body(b"mixed; boundary=b", inner % (b'""', b"", b"----\r\n"))


def _nesting() -> Iterator[tuple[str, bytes]]:
    for depth in (5, 20, 45):
        nested = PLAIN
        for level in range(depth):
            nested = entity("mixed", f"level-{depth - level}", nested)
        yield f"nesting-{depth}-multipart", HEAD + nested
        nested = INNER
        for _ in range(depth):
            nested = embedded(nested)
        yield f"nesting-{depth}-message", nested
    nested = HEAD + PLAIN
    for level in range(10):
        nested = HEAD + entity("mixed", f"both-{level}", PLAIN, embedded(nested), before=b"preamble\r\n")
    yield "nesting-both", nested
    yield (
        "nesting-one-boundary",
        HEAD + entity("mixed", "b", entity("mixed", "b", entity("mixed", "b", PLAIN))),
    )
    yield (
        "nesting-unclosed",
        HEAD
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (level, level)
            for level in range(12)
        ),
    )


def _line_ends() -> Iterator[tuple[str, bytes]]:
    yield "line-ends-bare-lf", (HEAD + entity("mixed", "b", PLAIN, HTML)).replace(b"\r\n", b"\n")
    yield "line-ends-mixed", HEAD + entity("mixed", "b", PLAIN.replace(b"\r\n", b"\n"), HTML)
    yield "line-ends-lf-in-header", b"Subject: a\nFrom: a@b\r\n\r\nbody\r\n"
    yield "line-ends-lf-in-parameter", b'Content-Type: text/plain; name="b\nc"\r\n\r\nbody\r\n'
    yield "line-ends-bare-cr", b"Subject: a\rb\r\nFrom: a@b\r\n\r\nbody\rbody\r\n\r\r\n"
    yield "line-ends-cr-at-end", b"From: a@b\r\n\r\nbody\r"
    yield "line-ends-cr-before-crlf", b"Subject: a\r\r\nFrom: a@b\r\n\r\nbody\r\n"
    yield "control-characters", b"Subject: a\x01\x0b\x7fb\r\nFrom: \x01 <a@b>\r\n\r\nbody\x01\r\n"


def _eightbit() -> Iterator[tuple[str, bytes]]:
    yield (
        "eightbit-utf8-header",
        "Subject: Grüße\r\nFrom: Jürgen <jürgen@bücher.example>\r\n\r\nx\r\n".encode(),
    )
    yield "eightbit-latin1-header", "Subject: Grüße\r\nFrom: Jürgen <j@b>\r\n\r\nx\r\n".encode("latin-1")
    yield "eightbit-quoted-name", 'From: "Jürgen Müller" <j@b>\r\nTo: (Käse) a@b\r\n\r\nx\r\n'.encode()
    yield "eightbit-group", "To: Bücher: ä@ö, ü <x@y>;\r\n\r\nx\r\n".encode()
    yield (
        "eightbit-filename",
        'Content-Type: image/png; name="ä.png"\r\nContent-Disposition: inline; filename=ä.png\r\n\r\nx\r\n'.encode(),
    )
    yield (
        "eightbit-description",
        "MIME-Version: 1.0\r\nContent-Description: Käse\r\nContent-ID: <ä>\r\nContent-Language: dé\r\n\r\nx\r\n".encode(),
    )
    yield "eightbit-date", "Date: Mär\r\nMessage-ID: <ä@b>\r\nIn-Reply-To: <ö@b>\r\n\r\nx\r\n".encode()
    yield "eightbit-type", "Content-Type: téxt/pläin; chärset=ü\r\n\r\nx\r\n".encode()
    yield (
        "eightbit-boundary",
        'Content-Type: multipart/mixed; boundary="ä"\r\n\r\n--ä\r\n\r\nx\r\n--ä--\r\n'.encode(),
    )
    yield (
        "eightbit-body",
        HEAD
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "Grüße\r\n".encode(),
    )
    yield (
        "eightbit-binary",
        HEAD
        + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + bytes(range(14, 256)),
    )
    yield "eightbit-emoji", "Subject: 🎉 party\r\nFrom: 🙂 <smile@example.org>\r\n\r\n🎉\r\n".encode()
    yield "eightbit-gb18030", b"Subject: \xc4\xe3\xba\xc3\r\nFrom: \xc4\xe3 <a@b>\r\n\r\n\xba\xc3\r\n"
    yield (
        "eightbit-embedded",
        HEAD + entity("mixed", "b", embedded("Subject: Grüße\r\nFrom: ä@ö\r\n\r\nx".encode())),
    )


def _encodings() -> Iterator[tuple[str, bytes]]:
    def part(encoding: str, body: bytes, kind: str = "text/plain; charset=utf-8") -> bytes:
        return HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body

    text = "Grüße aus München.\r\n".encode() * 5
    good = base64.encodebytes(text).replace(b"\n", b"\r\n")
    yield "encoding-base64", part("base64", good)
    yield (
        "encoding-base64-junk",
        part("base64", b"!!" + good[:40] + b" ** " + good[40:] + b"-- \r\nfooter\r\n"),
    )
    yield "encoding-base64-no-padding", part("base64", base64.b64encode(b"abcd").rstrip(b"="))
    yield (
        "encoding-base64-two-pieces",
        part("base64", base64.b64encode(b"abcd") + b"\r\n" + base64.b64encode(b"efgh")),
    )
    yield "encoding-base64-cut", part("base64", good[:-8])
    yield "encoding-qp", part("quoted-printable", binascii.b2a_qp(text, istext=False))
    yield "encoding-qp-broken", part("quoted-printable", b"a=ZZ=3\r\n= \r\nb==\r\n=\r\n")
    yield (
        "encoding-uu-field",
        part(
            "x-uuencode",
            b"begin 644 a.txt\r\n" + binascii.b2a_uu(b"hello").replace(b"\n", b"\r\n") + b"`\r\nend\r\n",
        ),
    )
    yield (
        "encoding-uu-inline",
        HEAD
        + b"\r\nSee:\r\n\r\nbegin 644 a.txt\r\n"
        + binascii.b2a_uu(b"hello").replace(b"\n", b"\r\n")
        + b"`\r\nend\r\n",
    )
    yield "encoding-unknown", part("x-strange", b"text\r\n")
    yield (
        "encoding-yenc",
        HEAD + b"\r\n=ybegin line=128 size=5 name=a\r\n\x92\x8f\x96\x96\x99\r\n=yend size=5\r\n",
    )
    yield (
        "encoding-flowed",
        part("7bit", b"A line \r\nthat flows.\r\n-- \r\nAnna\r\n", "text/plain; format=flowed; delsp=yes"),
    )
    yield (
        "encoding-utf16",
        part("base64", base64.b64encode("Grüße".encode("utf-16")), "text/plain; charset=utf-16"),
    )
    yield "encoding-utf7", part("7bit", b"Gr+APwA3w-e\r\n", "text/plain; charset=utf-7")
    yield (
        "encoding-iso-2022-jp",
        part("7bit", "こんにちは\r\n".encode("iso-2022-jp"), "text/plain; charset=iso-2022-jp"),
    )


def _reports() -> Iterator[tuple[str, bytes]]:
    status = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    extra = "; report-type=delivery-status"
    yield "bounce", HEAD + entity("report", "b", PLAIN, status, embedded(INNER), extra=extra)
    yield (
        "bounce-headers-only",
        HEAD
        + entity(
            "report", "b", PLAIN, status, b"Content-Type: text/rfc822-headers\r\n\r\n" + INNER, extra=extra
        ),
    )
    yield (
        "bounce-header-cut",
        HEAD
        + entity("report", "b", PLAIN, status, embedded(b"From: a@b\r\nSubject: was yours"), extra=extra),
    )
    yield (
        "bounce-qmail",
        b"From: MAILER-DAEMON@example.org\r\nTo: a@b\r\nSubject: failure notice\r\n\r\nHi.\r\n\r\n--- Below this line is a copy.\r\n\r\n"
        + INNER,
    )
    note = b"Content-Type: message/disposition-notification\r\n\r\nOriginal-Recipient: rfc822;a@b\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n"
    yield "receipt", HEAD + entity("report", "b", PLAIN, note, extra="; report-type=disposition-notification")
    abuse = b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
    yield (
        "abuse-report",
        HEAD + entity("report", "b", PLAIN, abuse, embedded(INNER), extra="; report-type=feedback-report"),
    )
    yield (
        "dmarc-report",
        HEAD
        + b'Content-Type: application/gzip; name="a!b!1!2.xml.gz"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="a!b!1!2.xml.gz"\r\n\r\nH4sIAAAAAAAAAwMAAAAAAAAAAAA=\r\n',
    )
    invite = b"Content-Type: text/calendar; charset=utf-8; method=REQUEST; name=invite.ics\r\nContent-Transfer-Encoding: 8bit\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
    yield (
        "invitation",
        HEAD
        + entity(
            "mixed",
            "a",
            entity("alternative", "b", PLAIN, HTML, invite),
            invite.replace(b"text/calendar", b"application/ics"),
        ),
    )
    yield "invitation-alone", HEAD + invite
    yield (
        "vcard",
        HEAD
        + entity(
            "mixed",
            "b",
            PLAIN,
            b"Content-Type: text/vcard; name=a.vcf\r\nContent-Disposition: attachment; filename=a.vcf\r\n\r\nBEGIN:VCARD\r\nEND:VCARD",
        ),
    )
    yield (
        "smime",
        HEAD
        + b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n\r\nMIAGCSqGSIb3DQ==\r\n',
    )
    yield (
        "partial",
        HEAD + b'Content-Type: message/partial; id="x@y"; number=2; total=3\r\n\r\nsecond piece\r\n',
    )
    yield (
        "external-body",
        HEAD
        + b'Content-Type: message/external-body; access-type=local-file; name="/tmp/x"\r\n\r\nContent-Type: text/plain\r\n\r\n',
    )


def _programs() -> Iterator[tuple[str, bytes]]:
    yield (
        "list-footer",
        (
            b"Return-Path: <list-bounces@example.org>\r\nReceived: from a (b [192.0.2.1])\r\n\tby c; Mon, 6 Jan 2025 10:00:00 +0100\r\n"
            b"From: Anna via List <list@example.org>\r\nReply-To: Anna <anna@example.net>,\r\n\tList <list@example.org>\r\n"
            b"Sender: list-bounces@example.org\r\nTo: list@example.org\r\nSubject: [List] Re: Minutes\r\nList-Id: The list <list.example.org>\r\n"
            b"List-Post: <mailto:list@example.org>\r\nPrecedence: list\r\nIn-Reply-To: <1@example.net>\r\nReferences: <0@example.net>\r\n <1@example.net>\r\n"
        )
        + entity(
            "mixed",
            "===============0123456789==",
            PLAIN,
            b'Content-Type: text/plain; charset="us-ascii"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: inline\r\n\r\n_____\r\nlist mailing list\r\n',
        ),
    )
    yield "outlook", HEAD + b"X-MS-Has-Attach: yes\r\nThread-Topic: Minutes\r\nThread-Index: AdpX\r\nContent-Language: de-DE\r\n" + entity(
        "mixed", "_004_AM0PR01MB0000_", entity("related", "_003_AM0_", entity("alternative", "_000_AM0_", PLAIN, HTML), PICTURE, extra=';\r\n\ttype="multipart/alternative"'),
        b'Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document;\r\n\tname="Minutes.docx"\r\nContent-Description: Minutes.docx\r\n'
        b'Content-Disposition: attachment; filename="Minutes.docx"; size=12345;\r\n\tcreation-date="Mon, 06 Jan 2025 09:00:00 GMT";\r\n\tmodification-date="Mon, 06 Jan 2025 09:00:00 GMT"\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n',
    )  # fmt: skip
    yield (
        "outlook-tnef",
        HEAD
        + entity(
            "mixed",
            "----_=_NextPart_000_01",
            PLAIN,
            b'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+IgEAAA==\r\n',
        ),
    )
    yield (
        "yahoo",
        b"X-YMail-OSG: x\r\n" + HEAD + entity("alternative", "----=_Part_123_456.789", PLAIN, HTML) + b"\r\n",
    )
    yield (
        "apple",
        HEAD
        + b"X-Mailer: Apple Mail (2.3774)\r\n"
        + entity(
            "alternative",
            "Apple-Mail=_ABC",
            PLAIN,
            entity("mixed", "Apple-Mail=_DEF", HTML, PICTURE, HTML, extra=";\r\n\tcharset=us-ascii"),
        ),
    )
    yield (
        "gmail",
        HEAD
        + entity(
            "alternative",
            "000000000000abc",
            PLAIN.replace(b"utf-8", b'"UTF-8"'),
            HTML.replace(b"utf-8", b'"UTF-8"'),
        ),
    )
    yield (
        "thunderbird-forward",
        HEAD
        + b"X-Mozilla-Draft-Info: internal/draft\r\n"
        + entity(
            "mixed",
            "------------0123",
            PLAIN,
            b'Content-Type: message/rfc822;\r\n name="Re: a.eml"\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: attachment;\r\n filename*0="Re: a long name of a fi"; filename*1="le.eml"\r\n\r\n'
            + INNER,
        ),
    )
    yield (
        "newsletter",
        b'From: "Shop, The" <news@shop.example>\r\nTo: reader@example.org\r\nSubject: =?UTF-8?Q?50=25_off_?=\r\n =?UTF-8?Q?everything_=F0=9F=8E=89?=\r\nList-Unsubscribe: <https://shop.example/u>,\r\n <mailto:u@shop.example>\r\nMIME-Version: 1.0\r\n'
        + entity("alternative", "_----------=_1", PLAIN, HTML),
    )
    yield (
        "cron",
        b"From: root (Cron Daemon)\r\nTo: root\r\nSubject: Cron <root@host> test -x /usr/sbin/anacron\r\nContent-Type: text/plain; charset=UTF-8\r\nAuto-Submitted: auto-generated\r\n\r\noutput\r\n",
    )
    yield (
        "old-x400",
        b'From: /G=Anna/S=Smith/O=Org/C=DE/@gw.example\r\nTo: "/I=A/S=B/"@gw.example\r\nMessage-ID: <"1 2 3*/c=de/admd= /"@MHS>\r\nX400-Content-Type: P2-1984 (2)\r\n\r\nx\r\n',
    )
    yield (
        "fax",
        b"From: +49301234567 <fax@example.org>\r\nTo: <FAX=+49.30.1@gw.example>\r\nSubject: Fax\r\nMIME-Version: 1.0\r\nContent-Type: image/tiff; application=faxbw\r\nContent-Duration: 5\r\n\r\nII*\r\n",
    )
    yield (
        "spam-broken-mime",
        b'From: "=?utf-8?b?'
        + base64.b64encode(b"Gewinn" * 20)
        + b'?=" <a@b>\r\nTo: undisclosed-recipients:;\r\nSubject: =?utf-8?b?????=\r\nMime-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n\tboundary="=_Next"\r\n\r\nThis is MIME\r\n\r\n--=_Next\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--=_Other--\r\n',
    )
