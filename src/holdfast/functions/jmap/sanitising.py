"""HTML of strangers, made harmless: the one place that says what may stand in it.

What is left runs nothing, submits nothing, frames nothing, imports nothing and loads nothing from elsewhere
but images (JMAPD-15). ``nh3`` reads HTML as browsers do and writes what is on these lists; anything that is
new or unknown is therefore gone. What it says stays, but for what browsers don't show either.
"""

from __future__ import annotations

import html
import re
from typing import Final

import nh3

from holdfast.mime.text import html_text
from holdfast.model.limits import JMAP_HTML_CHARACTERS, JMAP_HTML_DEPTH, JMAP_HTML_ENTITIES, JMAP_HTML_TAG


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS: Final = _words(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd"
    " del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main"
    " mark ol p pre q rp rt ruby s samp section small span strike strong sub sup table tbody td tfoot th"
    " thead time tr tt u ul var wbr"
)
# Gone with what is in them.
_WHOLE: Final = _words(
    "applet audio button canvas datalist dialog embed frameset iframe math noembed noframes noscript"
    " object option plaintext script select slot style svg template textarea title video xmp"
)
ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href"},
    "blockquote": {"type"},  # type=cite: a quotation of a message
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "hr": {"color", "noshade", "size", "width"},
    "img": {"alt", "border", "height", "hspace", "src", "vspace", "width"},
    "li": {"type", "value"},
    "ol": {"reversed", "start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "height", "rules", "width"},
    "tbody": {"bgcolor"},
    "td": {"abbr", "bgcolor", "colspan", "height", "nowrap", "rowspan", "width"},
    "th": {"abbr", "bgcolor", "colspan", "height", "nowrap", "rowspan", "scope", "width"},
    "thead": {"bgcolor"},
    "tr": {"bgcolor", "height"},
    "ul": {"type"},
}
# By these a reader finds what is quoted (folded then) and what is the signature (exchanged in a draft).
CLASSES: Final[dict[str, set[str]]] = {
    "blockquote": {"gmail_quote", "protonmail_quote"},
    "div": {"gmail_quote", "moz-cite-prefix", "protonmail_quote", "signature", "yahoo_quoted"},
}
SCHEMES: Final = frozenset(("http", "https", "mailto", "tel", "cid"))
_SIDES = ("top", "right", "bottom", "left")
STYLES: Final = _words(
    "background background-color border border-collapse border-color border-radius border-spacing"
    " border-style border-width box-sizing caption-side clear color direction display empty-cells float"
    " font font-family font-size font-style font-variant font-weight height letter-spacing line-height"
    " list-style-type margin max-height max-width min-height min-width overflow-wrap padding table-layout"
    " text-align text-decoration text-indent text-transform unicode-bidi vertical-align white-space width"
    " word-break word-spacing word-wrap"
) | {f"{name}-{side}" for name in ("border", "margin", "padding") for side in _SIDES}

_clean = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags=set(_WHOLE),
    attributes=ATTRIBUTES,
    allowed_classes=CLASSES,
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes=set(SCHEMES),
    url_relative="deny",
    filter_style_properties=set(STYLES),
).clean

# Start tags as nh3 writes them: nothing else in what it writes begins with “<” and a letter.
_START = re.compile(r'<([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")+)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_FUNCTION = re.compile(r"(?:rgba?|hsla?)\([0-9., %/a-z]*\)")
_NOT_IN_STYLES = re.compile(r"[\\(@<>]|/\*")
_LINKED = re.compile(r"\s*(?:https?|mailto|tel):", re.I).match
_SHOWN = re.compile(r"\s*(?:https?|cid):", re.I).match


def sanitised(source: str) -> str:
    """A fragment for a page. What takes too long to read as HTML is shown as its words."""
    source = _LONG_TAG.sub("", source)
    if _is_too_much(source):
        return f"<pre>{html.escape(html_text(source[:JMAP_HTML_CHARACTERS]))}</pre>"
    return _START.sub(_checked, _clean(source))


def _checked(match: re.Match[str]) -> str:
    """What the lists can't say: which link may stand where, and that no style refers to anything."""
    kept = [
        f' {name}="{value}"'
        for name, raw in _ATTRIBUTE.findall(match[2])
        if (value := _value(match[1], name, raw)) or name not in ("class", "href", "src", "style")
    ]
    return f"<{match[1]}{''.join(kept)}>"


def _value(tag: str, name: str, raw: str) -> str:
    if name == "style":
        declared = html.unescape(raw).split(";")
        return html.escape(";".join(each for each in declared if _stays(each)))
    if (name == "href" and not _LINKED(html.unescape(raw))) or (
        name == "src" and not _SHOWN(html.unescape(raw))
    ):
        return ""
    return raw


def _stays(declaration: str) -> bool:
    return bool(declaration) and not _NOT_IN_STYLES.search(_FUNCTION.sub("", declaration))


# Readers of HTML need time that grows with the square of some things; none of them is in mail.

_LONG_TAG = re.compile(rf"<[A-Za-z/!?][^>]{{{JMAP_HTML_TAG},}}(?:>|\Z)")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_ENDS_BY_ITSELF = _words(
    "area base br col dd dt embed hr img input li link meta option p param source td th tr track wbr"
)


def _is_too_much(source: str) -> bool:
    if len(source) > JMAP_HTML_CHARACTERS or source.count("&") > JMAP_HTML_ENTITIES:
        return True
    if source.count("<") <= JMAP_HTML_DEPTH:
        return False
    depth = 0
    open_: dict[str, int] = {}
    for closes, name in _TAG.findall(source):
        name = name.lower()
        if name in _ENDS_BY_ITSELF:
            continue
        if not closes:
            open_[name] = open_.get(name, 0) + 1
            depth += 1
            if depth > JMAP_HTML_DEPTH:
                return True
        elif open_.get(name):
            open_[name] -= 1
            depth -= 1
    return False
