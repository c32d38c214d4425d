# ruff: noqa: E501
"""Messages that try one field each: addresses, texts, types, parameters, dispositions, encodings."""

from __future__ import annotations

from collections.abc import Iterator

ADDRESSES = r"""
a@b|a@b.|.a@b.c|a.@b.c|a..b@c|@b.c|"x"y@z|"x".y@z|x."y"@z|<>|<a>|<@b>|a b@c|a b|a|"a b"|"a b"@c
<a@b|<a@b> x|<a@b>, c@d|<a@b c@d>|<a b@c>, d@e|Joe <a@b> <c@d>|a@b, , c@d|, a@b|a@b,|a@b;c@d|a@b c@d
a@[192.0.2.1]|a@[192.0.2|a@[IPv6:2001:db8::1]|(c) a@b|a@b (c)|a(c)@b|a@b (c) (d)|a@(c)b|(a|a@b (c|a@b, (c
x (c) <a@b>|<@r:a@b>|<@r,@s:a@b>|<@r a@b>|<@:a@b>|<@r:>|g:;|g:a@b;|g:a@b,c@d;, e@f|g:a@b|g: a@b, c@d|g:
"g x": a@b;|a@b, g:c@d;|g:h:a@b;;|undisclosed-recipients:;|undisclosed-recipients: ;|undisclosed recipients
:a@b|.|..|"|"a|"a"|"a\|a"b"@c|=?utf-8?q?a_b?= <a@b>|=?utf-8?q?a,b?= <a@b>|a=?x?=@b|J. R. Smith <a@b>
J . R <a@b>|.J <a@b>|J.R.Smith <a@b>|"J \"R\" S" <a@b>|"J\\S" <a@b>|  <  a  @  b . c  >  |a @ b
a . b @ c . d|Joe Q <a . b@c>|a@b,c@d,,e@f|mailto:a@b|<mailto:a@b>|[x] <a@b>|a[x]@b|a,b@c|a@b@c|<a@b@c>
a!b!c|"a@b" <c@d>|'a@b' <c@d>|a@b <c@d>|<a@b>;|Doe, John <a@b>|"a"<b@c>|a<b@c>|x "y" z <a@b>|"" <a@b>
""@b|""|" " <a@b>|<"a b"@c>|<a.@b>|<.a@b>|<a@b.>|<a@>|a@|c@d (a\)b)|c@d ((x))|c@d ()|a@b <|x <|x <a|x <a@
x <"a|x <@|x <@r|x <@r:|x <@r:a|x <@r:a@b|x <@r>|<a@b>>|<<a@b>>|x <a@b>, y <c@d>|*@b|a@*|x@y z <a@b>
<a@b>(c)|(c)<a@b>|"x" (c) <a@b>|Group: "x" <a@b>, c@d (n) ;|g:a@b,;|g:,a@b;|g: <a@b> c;|g: a b; d@e
a: b c: d@e;|a b,c@d|a (c) b|"a" (c)|"a",b@c|a. b|a .b@c|. b|a."b"|a@b., c@d|a@b..c|a.(x)b@c|<"a"b@c>
a <b@c>, d <e@f|<;>, a@b|<,>, a@b|c@d (=?utf-8?q?x?=)|user+detail@example.org|o'brien@example.org
""".strip()

TYPES = r"""
text|text/|/plain|text/plain;|text/plain; charset|text/plain; charset=|text/plain; charset=""
text/plain; charset=utf-8;|text/plain;; charset=utf-8|text/plain charset=utf-8|text/plain; name=a b
text/plain; name=a b; x=y|text/plain; name="a b|text/plain; name=a/b|text/plain; name=a/b; c=d
text/plain (c); (d) name (e) = (f) x (g)|TEXT/HTML; CHARSET=UTF-8|text/plain; name==?utf-8?b?eHg=?=
text/plain; name==?utf-8?q?a b?=; x=y|text/plain; name="=?utf-8?b?eHg=?="|text/plain; name*=utf-8''a%20b
text/plain; name*0=a; name*1=b|text/plain; name*0*=utf-8''a; name*1*=b; name*2=c%
text/plain; name*1=b; name*0=a; x=y|text/plain; name*0=a; name*2=b|text/plain; name*=a; name=b
text/plain; NAME*0=a; name*1=b|text/plain; name*x=b|text/plain; *=b|text/plain; name*0*x=b
text/plain; name*00=a; name*01=b|text/plain; b*0=x; a*0=y|text/plain; name="a\"b\\"|text/plain; name=a"b"
text/plain; =x; y=z|text/plain; a=b; a=c|text/plain; a=b,c=d|text/plain, text/html|plain text
text/plain/x; a=b|text / plain ; a = b||;|; charset=utf-8|image/gif|image/gif; name=x
application/octet-stream; name="a;b"; x=y|message/partial; id=x; number=1|message/delivery-status
message/external-body; access-type=URL; URL="http://example.org/x"|multipart/mixed|multipart/mixed; boundary=""
multipart/|multipart|x;y=z|text/html; charset = "utf-8"|text/plain; charset=utf-8 (comment)
text/plain; charset=utf-8 junk; format=flowed|text/plain; charset="utf-8" junk; format=flowed
text/plain; ; ; a=b|text/plain; a; b=c|text/plain; a=; b=c|text/plain; "a"=b; c=d|text/plain; a=<b>; c=d
text/plain; a=b?c; d=e|text/plain; a="b"c; d=e|text/plain; a=(b|text/plain (|text (x)/plain
(x) text/plain; a=b|=?x?=|text/plain; charset=us-ascii; a=b|text/plain; charset=US-ASCII|TEXT/PLAIN|Text/Html
text/calendar; method=REQUEST; charset=utf-8|text/x-amp-html|application/pkcs7-mime; smime-type=signed-data
""".strip()

DISPOSITIONS = r"""
attachment|attachment; filename=x|attachment; filename="a b"|attachment; filename=a b|"attachment"; filename=x
inline;|; filename=x||attachment filename=x|attachment; filename*=utf-8''%e2%82%ac|ATTACHMENT; FILENAME="X"
attachment; size=1; filename=x; modification-date="Mon, 6 Jan 2025 10:00:00 +0100"|att/ach; a=b
=?utf-8?q?x?=|attachment; filename="x|attachment; filename==?utf-8?q?x?=|(c) inline (d)
attachment; filename="=?utf-8?q?J=C3=BCrgen.pdf?="|attachment; filename*0="long name "; filename*1="of a file.txt"
attachment; filename*0*=iso-8859-1''%e4; filename*1=b%; filename*2*=%f6.txt|attachment; filename="C:\a\b.txt"
attachment; filename="a.tar.gz"; x-unix-mode=0644|attachment; filename=".."|attachment; filename="a/b"
""".strip()

CONTENT = r"""
Content-Transfer-Encoding: 8bit|Content-Transfer-Encoding: Base64|Content-Transfer-Encoding: 7bit 8bit
Content-Transfer-Encoding: "8bit"|Content-Transfer-Encoding:|Content-Transfer-Encoding: (x) 8bit (y)
Content-Transfer-Encoding: 8bit;|Content-Transfer-Encoding: x/y|Content-Transfer-Encoding: x-uuencode
Content-ID: <a>  |Content-ID:|Content-ID:   |Content-ID: <a~ b>|Content-Description: a  b~ c
Content-Description: "q" x|Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==|Content-Language: de
Content-Language: de, en|Content-Language: de en|Content-Language: de,|Content-Language: ,de|Content-Language:
Content-Language: "de"|Content-Language: (x) de (y), en-US|Content-Language: a,,b
Content-Location: http://example.org/y z|Content-Location: a~ b|Content-ID: a~Content-ID: b
Content-Type: text/html~Content-Type: image/gif
Content-Disposition: inline~Content-Disposition: attachment; filename=x
Content-Disposition: inline; a=b~Content-Disposition: attachment; filename=x
Content-Transfer-Encoding: x y~Content-Transfer-Encoding: 8bit|Content-Type:~Content-Type: text/html
Content-Language: "x"~Content-Language: de|Content-Type : text/html|CONTENT-TYPE: text/html|Content-Id: a"b
Content-Description: =?utf-8?q?x?=|Content-Base: http://example.org/
""".strip()

FIELDS = r"""
Subject: a~Subject: b|Date: a~Date: b|Message-ID: <a@b>~Message-ID: <c@d>|In-Reply-To: <a@b>~In-Reply-To: <c@d>
From: a@b~From: c@d|Sender: a@b~Sender: c@d~Reply-To: e@f~Reply-To: g@h
From: ~To: ~Subject: ~Date: ~Message-ID: |From:~To:~Subject:~Date:~Message-ID:|From: a@b~Sender:~Reply-To: ()
Subject:   a~Date:   ~Message-ID:     |Subject: a  b c ~ d~ e|Subject : x~Date : y|Subject:~ a|Subject: ~ a
Date:~ a~Message-ID: ~ b~In-Reply-To: a~ b|Subject: "q" \|Date: "q" \~Message-ID: ""\"""
subject~Date: x|Subject: a~ ~ b|From x y~Subject: x|>From x~Subject: x| leading~Subject: x
From: a@b~To: c@d~To: e@f~Cc: a~Cc: g:x@y;|To: g:x@y~To: z@z|To: a@b,~To: z@z|To: "a~To: z@z
Date: a  ~Message-ID: <a>  |Date: Mon, 32 Foo 2025 99:99:99 +9999|Date: 6 Jan 25|Date: 2025-01-06T10:00:00Z
Date: Mon, 6 Jan 2025 10:00:00 +0100 (CET)|Date: (x) Mon, 6 Jan 2025 10:00:00 EST|Date: yesterday
Message-ID: no-brackets@x|Message-ID: <a@b> <c@d>|Message-ID: <a b@c>|In-Reply-To: Your message of "Mon" <a@b>
In-Reply-To: <a@b> <c@d>|Subject: =?utf-8?b?R3LDvMOfZQ==?=|Subject: =?utf-8?q?a?= =?utf-8?q?b?=
Subject: =?utf-8?q?a?=~ =?utf-8?q?b?=|Subject: =?iso-2022-jp?b?GyRCJDMkcxsoQg==?=|Subject: =?x-unknown?q?=E4?=
Subject: =?utf-8?q?broken|Subject: =?utf-8?x?a?=|Subject: =?utf-8*de?q?Gr=C3=BC=C3=9Fe?=|Subject: =?q?a?=
From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>|From: "=?utf-8?q?J=C3=BCrgen?=" <j@example.org>
From: =?utf-8?q?a?= =?utf-8?q?b?= <j@example.org>|To: a@b,~ c@d,~ "E, F" <e@f>|Resent-From: a@b~Resent-To: c@d
Return-Path: <>~Delivered-To: a@b|Received: from x~ by y;~ Mon, 6 Jan 2025 10:00:00 +0100|: no name
""".strip()


def _listed(table: str) -> Iterator[tuple[int, str]]:
    """The entries of a table, numbered; ``~`` in one is a line end."""
    yield from enumerate(entry for line in table.split("\n") for entry in line.split("|"))


def _bytes(entry: str) -> bytes:
    return entry.encode("latin-1").replace(b"~", b"\r\n")


def messages() -> Iterator[tuple[str, bytes]]:
    plain = b"From: sender@example.org\r\nDate: Mon, 6 Jan 2025 10:00:00 +0100\r\n"
    for number, entry in _listed(ADDRESSES):
        yield f"address-{number:03}", plain + b"To: " + _bytes(entry) + b"\r\n\r\nx\r\n"
    for number, entry in _listed(TYPES):
        yield (
            f"type-{number:03}",
            plain + b"Content-Type: " + _bytes(entry) + b"\r\n\r\nbody\r\n--x\r\n\r\npart\r\n",
        )
    for number, entry in _listed(DISPOSITIONS):
        value = b"MIME-Version: 1.0\r\nContent-Disposition: " + _bytes(entry)
        yield f"disposition-{number:03}", plain + value + b"\r\n\r\nbody\r\n"
    for number, entry in _listed(CONTENT):
        field = _bytes(entry) + b"\r\n"
        yield f"content-{number:03}-mime", b"Mime-Version: 1.0\r\n" + field + b"\r\nbody\r\n"
        yield f"content-{number:03}-bare", field + b"\r\nbody\r\n"
        part = b"--x\r\n" + field + b"\r\nbody\r\n--x--\r\n"
        yield f"content-{number:03}-part", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part
    for number, entry in _listed(FIELDS):
        yield f"field-{number:03}", _bytes(entry) + b"\r\n\r\nbody\r\n"
