"""Generated IMAP commands: every kind, with strings that must be quoted, escaped or sent as literals."""

from __future__ import annotations

import datetime

from hypothesis import strategies as st

from holdfast.model.mail import Flag, Role
from holdfast.model.uidset import UidSet
from holdfast.wire.imap import commands as c
from holdfast.wire.imap.fetch import section_name

ATOM_CHARACTERS = "abcXYZ019$!#+-._;:@^~'`|/<>?&=,"
atoms = st.text(ATOM_CHARACTERS, min_size=1, max_size=8).filter(lambda word: word.upper() != "NIL")
keywords = st.text("abcXYZ019$_-.", min_size=1, max_size=8)
texts = st.one_of(
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20),
    st.sampled_from(["", "NIL", '"', "\\", "a b", "{3}", "{3+}", "x\r\ny", "ä", "(", "\\*", "*", "%"]),
)
names = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    st.sampled_from(
        ["INBOX", "INBOX/a", "Entwürfe", "a&b", "日本語/台北", "~peter", "&", "x y", "a]b", "😀"]
    ),
).filter(lambda name: name.upper() != "INBOX" or name == "INBOX")
plain_names = names.filter(lambda name: not name.endswith("/"))
numbers = st.integers(1, 2**32 - 1)
modseqs = st.integers(0, 2**63 - 1)
_ends = st.one_of(st.just(c.STAR), numbers, st.integers(1, 99))
sequence_sets = st.one_of(
    st.just(c.SAVED),
    st.lists(st.one_of(st.tuples(_ends, _ends), _ends.map(lambda n: (n, n))), min_size=1, max_size=4).map(
        lambda ranges: c.SequenceSet(tuple(ranges))
    ),
)
plain_uids = st.lists(st.tuples(numbers, st.integers(0, 9)), min_size=1, max_size=3).map(
    lambda pairs: UidSet((low, min(low + more, 2**32 - 1)) for low, more in pairs)
)
keyword_tuples = st.lists(keywords, max_size=3, unique=True).map(tuple)
flag_bits = st.integers(0, 31)
days = st.dates(datetime.date(1970, 1, 1), datetime.date(9998, 12, 31))

search_leaves = st.one_of(
    st.just(c.SearchAll()),
    st.builds(c.SearchFlag, st.sampled_from([int(flag) for flag in Flag]), st.booleans()),
    st.builds(c.SearchRecent, st.booleans()),
    st.builds(c.SearchKeyword, keywords, st.booleans()),
    st.builds(c.SearchIds, sequence_sets, st.booleans()),
    st.builds(c.SearchHeader, st.sampled_from(["FROM", "SUBJECT", "X-THING", "BCC", "CC", "TO"]), texts),
    st.builds(c.SearchText, texts, st.booleans()),
    st.builds(c.SearchSize, modseqs, st.booleans()),
    st.builds(c.SearchDate, st.sampled_from(c.Compare), days, st.booleans()),
    st.builds(c.SearchAge, numbers, st.booleans()),
    st.builds(c.SearchModseq, modseqs),
    st.builds(c.SearchModseq, modseqs, st.just("/flags/\\seen"), st.sampled_from(["all", "priv", "shared"])),
)
search_keys = st.recursive(
    search_leaves,
    lambda inner: st.one_of(
        st.builds(c.SearchNot, inner),
        st.builds(c.SearchOr, inner, inner),
        st.lists(inner, min_size=2, max_size=4).map(lambda keys: c.SearchAnd(tuple(keys))),
    ),
    max_leaves=8,
)


@st.composite
def body_sections(draw: st.DrawFn) -> c.BodySection:
    kind = draw(st.sampled_from(c.SectionKind))
    part = tuple(draw(st.lists(st.integers(1, 99), max_size=3)))
    text = draw(st.sampled_from(c.SectionText)) if kind is c.SectionKind.BODY else c.SectionText.ALL
    if text is c.SectionText.MIME and not part:
        part = (1,)
    fields: tuple[str, ...] = ()
    if text in (c.SectionText.FIELDS, c.SectionText.FIELDS_NOT):
        fields = tuple(draw(st.lists(atoms, min_size=1, max_size=3)))
    section = c.Section(part, text, fields)
    label = b"%b[%b]" % (kind.value.encode(), section_name(section))
    partial = None
    if kind is c.SectionKind.BINARY_SIZE:
        peek = True
    else:
        peek = draw(st.booleans())
        partial = draw(st.none() | st.tuples(modseqs, modseqs.filter(bool)))
    if partial:
        label += b"<%d>" % partial[0]
    return c.BodySection(section, label, peek, partial, kind)


@st.composite
def fetches(draw: st.DrawFn) -> c.Fetch:
    uid = draw(st.booleans())
    changed_since = draw(st.none() | modseqs)
    attributes = draw(st.lists(st.sampled_from(c.Attribute), unique=True))
    sections = tuple(draw(st.lists(body_sections(), max_size=3, unique=True)))
    if uid and c.Attribute.UID not in attributes:
        attributes.insert(0, c.Attribute.UID)
    if changed_since is not None and c.Attribute.MODSEQ not in attributes:
        attributes.append(c.Attribute.MODSEQ)
    if not attributes and not sections:
        attributes = [c.Attribute.FLAGS]
    vanished = uid and changed_since is not None and draw(st.booleans())
    return c.Fetch(draw(sequence_sets), tuple(attributes), sections, uid, changed_since, vanished)


@st.composite
def searches(draw: st.DrawFn) -> c.Search:
    returns = draw(st.none() | st.frozensets(st.sampled_from(c.ReturnOption), min_size=1))
    return c.Search(draw(search_keys), draw(st.booleans()), returns, draw(st.sampled_from(["", "UTF-8"])))


@st.composite
def lists(draw: st.DrawFn) -> c.List:
    select = draw(st.frozensets(st.sampled_from(c.ListSelect)))
    if c.ListSelect.RECURSIVEMATCH in select:
        select |= {c.ListSelect.SUBSCRIBED}
    returns = draw(st.frozensets(st.sampled_from(c.ListReturn)))
    status = draw(status_items | st.just(()))
    patterns = tuple(draw(st.lists(names | st.sampled_from(["*", "%", "a/%"]), min_size=1, max_size=3)))
    extended = bool(select or returns or status or len(patterns) > 1) or draw(st.booleans())
    return c.List(draw(names | st.just("")), patterns, select, returns, status, extended)


status_items = st.lists(st.sampled_from(c.StatusItem), min_size=1, unique=True).map(tuple)
qresyncs = st.builds(
    c.QResync, numbers, modseqs, st.none() | plain_uids, *[st.shared(st.none() | plain_uids, key="match")] * 2
)
append_messages = st.builds(
    c.AppendMessage,
    st.binary(max_size=40),
    flag_bits,
    keyword_tuples,
    st.none(),
) | st.builds(
    c.AppendMessage,
    st.binary(max_size=40),
    flag_bits,
    keyword_tuples,
    st.integers(86_400, 2**33),
    st.integers(-14 * 60, 14 * 60),
)
selected_commands = st.one_of(
    st.sampled_from([c.Check(), c.Close(), c.Unselect(), c.Expunge()]),
    st.builds(c.Expunge, sequence_sets),
    searches(),
    fetches(),
    st.builds(
        c.Store,
        sequence_sets,
        st.sampled_from(c.StoreMode),
        flag_bits,
        keyword_tuples,
        st.booleans(),
        st.booleans(),
        st.none() | modseqs,
    ),
    st.builds(c.Copy, sequence_sets, names, st.booleans()),
    st.builds(c.Move, sequence_sets, names, st.booleans()),
    st.sampled_from([c.Capability(), c.Noop(), c.Logout(), c.Namespace(), c.Idle(), c.Id()]),
    st.builds(c.GetQuota, texts),
    st.builds(c.GetQuotaRoot, names),
    st.builds(c.Id, st.lists(st.tuples(texts, st.none() | texts), max_size=3).map(tuple)),
    st.builds(c.Enable, st.lists(atoms.map(str.upper), min_size=1, max_size=3).map(tuple)),
    st.builds(c.Select, names, st.booleans(), st.booleans(), st.none() | qresyncs),
    st.builds(
        c.Create,
        plain_names,
        st.lists(st.sampled_from([r for r in Role if r not in (Role.NONE, Role.INBOX)]), max_size=2).map(
            tuple
        ),
    ),
    st.builds(c.Delete, names),
    st.builds(c.Rename, names, names),
    st.builds(c.Subscribe, names),
    st.builds(c.Unsubscribe, names),
    lists(),
    st.builds(c.Lsub, names | st.just(""), names),
    st.builds(c.Status, names, status_items),
    st.builds(c.Append, names, st.lists(append_messages, min_size=1, max_size=3).map(tuple)),
)
first_commands = st.one_of(
    st.builds(c.Login, texts, texts),
    st.builds(c.Authenticate, atoms.map(str.upper), st.none() | st.binary(max_size=40)),
)
