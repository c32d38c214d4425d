"""Every limit of the service, in one place (MODEL-3): sizes in bytes, times in seconds.

One that an administrator may set is a field of ``Limits``; what nobody should set is a constant below it.
"""

from __future__ import annotations

import msgspec

KIB = 1024
MIB = 1024 * KIB


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits an administrator may set (configuration table ``[limits]``)."""

    message_bytes: int = 50 * MIB
    recipients: int = 1000  # per transaction; RFC 5321 §4.5.3.1.8 asks for at least 100
    inflight_bytes: int = 512 * MIB  # message bytes one process may hold at a time, all connections
    connections: int = 20_000  # per process
    connections_per_address: int = 1000
    smtp_idle_s: float = 300.0  # RFC 5321 §4.5.3.2.7
    smtp_errors: int = 20  # bad commands before 421
    imap_idle_s: float = 1800.0  # RFC 3501 §5.4: at least 30 minutes
    imap_unauthenticated_s: float = 60.0
    imap_literal_bytes: int = 50 * MIB  # APPEND
    pop3_idle_s: float = 600.0  # RFC 1939 §3: at least 10 minutes
    sign_in_failures: int = 6  # per connection before it is closed
    mailboxes: int = 10_000  # per account
    undelete_s: float = 7 * 86_400.0  # removed messages are listed, to be brought back, for so long
    queue_life_s: float = 5 * 86_400.0
    retry_first_s: float = 60.0
    retry_longest_s: float = 4 * 3600.0


# Lines. RFC 5321 §4.5.3.1: command 512, text 1000; we read more than we must.
SMTP_COMMAND_BYTES = 4 * KIB
SMTP_TEXT_LINE_BYTES = 64 * KIB  # longer lines in DATA are refused, never cut
SMTP_REPLY_BYTES = 64 * KIB  # one reply of a server we send to, all its lines
IMAP_COMMAND_BYTES = 64 * KIB  # without literals; RFC 7162 §4 asks for 8192
IMAP_COMMAND_LITERAL_BYTES = 1 * MIB  # all literals of one command but APPEND's message
IMAP_LITERAL_MINUS_BYTES = 4096  # RFC 7888 §5: the largest non-synchronising literal of LITERAL-
IMAP_SEARCH_DEPTH = 100  # NOT, OR and parentheses within each other
POP3_COMMAND_BYTES = 512  # RFC 2449 §4: 255, with room for SASL
SMTP_STOP_S = 10.0  # a process that ends waits so long for messages on their way to the disk
SASL_LINE_BYTES = 12_288  # RFC 4954 §4

# MIME
MIME_DEPTH = 50  # parts nested deeper are one opaque leaf
MIME_PARTS = 2000  # parts of one message; the rest is one opaque leaf
HEADER_BYTES = 1 * MIB  # more header than this is body
FIELD_BYTES = 64 * KIB  # of one field's value that is read when it isn't of a plain form, or decoded
MIME_ADDRESSES = 10_000  # of one address field; the rest isn't shown in ENVELOPE
REFERENCES = 20  # the last ones of a message's References, by which it finds its thread
PREVIEW_PARTS = 8  # so many texts are looked at for one that says something
PREVIEW_CHARACTERS = 200
PREVIEW_BODY_BYTES = 512  # how far into a text the preview looks first; at most 32 times as far

# JMAP: what the session object announces, and what it can't. RFC 8620 §2 names the least we may offer
JMAP_CONNECTIONS = 10_000  # per process: most of them wait for changes …
JMAP_CONNECTIONS_PER_ADDRESS = 1000  # … and a university is behind one address
JMAP_REQUEST_BYTES = 10 * MIB
JMAP_REQUESTS = 8  # of one account at a time
JMAP_CALLS = 32  # of one request
JMAP_OBJECTS_GET = 1000
JMAP_OBJECTS_SET = 1000
JMAP_UPLOAD_BYTES = 50 * MIB
JMAP_UPLOADS = 8  # of one account at a time
JMAP_DEPTH = 60  # arrays and objects within each other
JMAP_FILTER_DEPTH = 20  # AND, OR and NOT within each other
JMAP_RESPONSE_BYTES = 128 * MIB  # of one request; further calls are refused as too large
JMAP_EVENT_BYTES = 1 * MIB  # one event as a client reads it
JMAP_UPLOADED_BYTES = 250 * MIB  # of one account's uploads that no message has taken up …
JMAP_UPLOADED_FILES = 1000  # … and how many
JMAP_HTML_CHARACTERS = 1_000_000  # of an HTML text that is made harmless; of a larger one the words are shown
JMAP_HTML_DEPTH = 500  # … so are those of one that nests deeper,
JMAP_HTML_ENTITIES = 50_000  # … or has more of these; a reader of HTML needs time by their square
JMAP_HTML_TAG = 8192  # characters of one tag: a longer one (pictures in an address) is left out
JMAP_OBJECTS_READ = 20_000  # objects of a kind that a process keeps as they were read, of all accounts
JMAP_CHANGES = 5000  # of one answer to a /changes; a client asks on
JMAP_BATCH_BYTES = 2 * MIB  # messages that are read and taken apart at once
JMAP_LISTED = 1_000_000  # Emails of all lists a process keeps, and again of what searches found
JMAP_SHOWN = 5000  # messages whose header a process keeps as it was read; about 2 KB each
JMAP_LIST_UPDATES = 2000  # changed Emails a kept list takes in; after more it is made anew
JMAP_LIST_NOTES = 5000  # of what came to a kept list and left it
JMAP_QUERY_CHANGED = 20_000  # Emails changed between two states of a query; after more it is asked anew
JMAP_SEARCH_BYTES = 2048 * MIB  # of messages that one query reads for words in them
JMAP_SEARCH_TERMS = 32  # of one condition
JMAP_SNIPPET_CHARACTERS = 200  # RFC 8621 §5: 255 octets at most, marks not counted
JMAP_NAME_BYTES = 255  # of an address book (RFC 9610 §2) or an identity
JMAP_MDN_ORIGINAL_BYTES = 64 * KIB  # a larger message isn't put whole into a notification about it
JMAP_SETTINGS_BYTES = 64 * KIB
JMAP_PHOTO_BYTES = 128 * KIB  # of a card, before it is encoded
JMAP_ADDRESS_BOOKS = 100  # of one account
JMAP_CARDS = 20_000
JMAP_OBJECTS_READ = 20_000  # objects of a kind that a process keeps as they were read, of all accounts
JMAP_CHANGES = 5000  # of objects that a list's changes are made of
JMAP_IDENTITIES = 100
JMAP_SNOOZES = 10_000
JMAP_SUBMISSIONS = 20_000  # of one account, those of JMAP_SUBMISSION_KEPT_S
JMAP_DELAYED_SEND_S = 30 * 86_400  # a message may be sent so much later
JMAP_SUBMISSION_KEPT_S = 30 * 86_400  # what became of it can be looked at for so long
JMAP_SNOOZE_S = 5 * 366 * 86_400
OUTBOX_HORIZON_S = 3600.0  # what is due within so long is known; then it is looked again
OUTBOX_WAVE = 32  # submissions and snoozes worked on at once
OUTBOX_LOOK_S = 0.05  # what is pushed within so long is looked at once
OUTBOX_RETRY_FIRST_S = 0.5  # until what was out of reach is tried again …
OUTBOX_RETRY_LONGEST_S = 60.0  # … twice as long each time, up to this
JMAP_BLOB_SOURCES = 64  # of which one blob is made
JMAP_CODE_S = 60.0  # from the sign-in page to the program that asked for it
JMAP_ACCESS_S = 15 * 60.0  # an access token opens the doors for so long …
JMAP_REFRESH_S = 30 * 86_400.0  # … and a refresh token gives new ones for so long after the last
JMAP_BASIC_KNOWN = 10_000  # names with passwords that a process remembers as right …
JMAP_BASIC_S = 60.0  # … for so long
JMAP_PUSH_MOST = 20  # push subscriptions of one account …
JMAP_PUSH_LIFE_S = 7 * 86_400.0  # … each for so long, unless it is renewed (RFC 8620 §7.2: 48 hours at least)
JMAP_PUSH_LOOK_S = 10.0  # how soon a subscription made by another worker is noticed
JMAP_PUSH_SENDS = 50  # messages on their way to push services at a time
JMAP_PUSH_RETRY_FIRST_S = 5.0  # until a push service that was out of reach is asked again …
JMAP_PUSH_RETRY_LONGEST_S = 3600.0  # … twice as long each time, up to this
JMAP_SESSIONS_KNOWN = 10_000  # session objects that a process keeps ready
JMAP_PING_LEAST_S, JMAP_PING_MOST_S = 10, 900  # an event source's pings, whatever it asks for
JMAP_LISTENERS = 32  # event sources and websockets of one account
JMAP_LOOK_S = 60.0  # how often one asks whether its sign-in still stands
JMAP_TASK_REST_S = 5.0  # after an error of ours in what is done beside
JMAP_SWEEP_S = 1800.0  # how often what is too old is removed
JMAP_UPLOAD_LIFE_S = 24 * 3600.0  # an upload is kept for so long at least (RFC 8620 §6.1: an hour)

# Objects: what is kept beside mail, such as identities and contacts
OBJECT_BYTES = 256 * KIB
OBJECTS_PER_KIND = 20_000  # of one account
OBJECT_KIND_CHARACTERS = 40
OBJECT_ID_BYTES = 255  # RFC 8620 §1.2
COUNTED_THREADS = 300_000  # whose counts one process keeps, of all accounts: about 30 MB
COUNTED_ANEW = 2000  # threads that changed; where more did all are counted
SORT_ORDER_MOST = (1 << 31) - 1  # RFC 8621 §2

# Names
MAILBOX_NAME_BYTES = 1000
MAILBOX_DEPTH = 50
KEYWORD_BYTES = 200
KEYWORDS_PER_ACCOUNT = 58  # they share one 64-bit integer with the five system flags
ADDRESS_BYTES = 320  # RFC 5321 §4.5.3.1: 64 + 1 + 255
PASSWORD_BYTES = 1024
PASSWORD_LEAST = 10  # letters of a new password; NIST SP 800-63B asks for 8 at least

# Packs
PACK_BYTES = 256 * MIB  # sealed when larger
FRAME_BODY_BYTES = 128 * MIB
GROUP_COMMIT_BYTES = 8 * MIB  # one write, one sync
MARK_IDLE_S = 1.0  # after so long without appends, what was acknowledged is marked by itself
READ_JOIN_BYTES = 256 * KIB  # neighbouring frames are read at once up to this
OPEN_PACKS = 256  # files one ledger's reader keeps open

# Connections
WRITE_BUFFER_BYTES = 256 * KIB  # a slow reader holds back its own session beyond this
READ_CHUNK_BYTES = 256 * KIB
TLS_HANDSHAKE_S = 30.0
CLOSE_LINGER_S = 5.0  # a closed connection may still send for so long, so that our last reply arrives
CLOSE_UNSENT_S = 30.0  # a closed connection is ended if its peer took nothing of our output for so long
CONNECT_S = 30.0
LISTEN_BACKLOG = 4096
RECEIVED_HOPS = 100  # RFC 5321 §6.3

# Links between our own processes
LINK_ANSWER_S = 60.0  # a call that names no other time is given up after so long
LINK_SILENT_S = 5.0  # asked, and not a sign of life for so long: the other end is stopped or stuck
LINK_CONNECT_S = 5.0
LINK_WAIT_S = 0.5  # a call waits so long for a process that is being started again
LINK_RETRY_FIRST_S = 0.02
LINK_RETRY_LONGEST_S = 0.25  # a socket on this machine is cheap to ask, and people wait
LINK_REQUESTS = 4096  # of one connection that are worked on; a peer with more is not read
LINK_ASKED_BYTES = 512 * MIB  # of one link's calls that wait for their answers
LINK_UNHEARD_BYTES = 4 * MIB  # pushed, and not taken: the connection is ended


# Intake
INTAKE_RETRY_FIRST_S = 0.5  # until an intake ledger that can't be opened is tried again …
INTAKE_RETRY_LONGEST_S = 15.0  # … twice as long each time, up to this
INTAKE_TRACE_LETTERS = 10  # of a trace id, drawn once per process; a counter follows

# The store
INDEX_ANEW_PAUSE_S = 60.0  # on readers' word that it is damaged an index is made anew no more often

# Sending limits
SENT_WINDOW_S = 86_400  # recipients are counted over so long …
SENT_SLOT_S = 900  # … in steps of this
SENT_NOTE_S = 60.0  # the counts are noted, and other workers' read, once in so long
SENT_TELL_S = 3600.0  # of one account's limit the journal hears no more often

# People
CELLS = 64  # of one installation, where the configuration says nothing else
ALIAS_DEPTH = 10  # aliases that lead to aliases
ALIAS_TARGETS = 1000  # of one alias, and of all it expands to
SEPARATOR_CHARACTERS = 3
NAME_CHARACTERS = 500  # of a customer or an account
BULK_SHARE = 0.8  # fewer active accounts than this share of the hour's mark are not believed …
BULK_LEAST = 10  # … when at least so many left …
BULK_WINDOW_S = 3600.0  # … within this time
FOLD_FRAMES = 500  # frames folded at once: what a process's loop waits for
PEOPLE_CACHE = 20_000  # routes and accounts a process keeps in memory
PEOPLE_RETRY_FIRST_S = 0.05
PEOPLE_RETRY_LONGEST_S = 5.0
PEOPLE_BATCH = 1000  # accounts of one request; a client splits what is more
PEOPLE_REQUEST_BYTES = 16 * MIB
PEOPLE_PAGE = 1000  # rows of one page of a list
ONCE_LIFE_S = 30 * 86_400.0  # so long a request's key is known, in the ledger's time
ANNOUNCED_SHARE = 0.1  # a bulk change may hit so much more than announced …
ANNOUNCED_LEAST = 10  # … or so many more, whichever is greater
AUDIT_DETAIL_CHARACTERS = 500  # of one text shown in the audit trail
MASKED_MOST = 100  # masked addresses of one account, those that are over included
APP_PASSWORDS_MOST = 50  # of one account
FACTORS_MOST = 20  # of one account
RECOVERY_CODES_MOST = 50  # of one set
TOKENS_MOST = 50  # of one account
NETWORKS_MOST = 50  # of one app password or token
NOTE_CHARACTERS = 2000  # of a reason, or a note
NAMES_RESERVED_MOST = 1000  # of one request
ACCESS_LONGEST_S = 30 * 86_400.0  # a sealed access may be approved for so long
BRAND_LOGO_BYTES = 64 * KIB  # a data: URL
SECRET_LETTERS = 16  # fewest of an app password
TOKEN_LETTERS = 22  # fewest of a token: 128 bits in base64

# Sign-in
AUTH_QUEUE = 1024  # password checks that wait for a processor …
AUTH_WAIT_S = 12.0  # … and as many as are checked within this, however slow one is
AUTH_THREADS = 2
AUTH_LOCAL_QUEUE = 64  # the same in a function's process while the auth process is gone
CROWDED_S = 1.0  # a password check waits for longer, and who is known from there goes first …
CROWDED_KEPT_S = 60.0  # … until so long after the last that did
SHED_LEASE_S = 120.0  # shedding of password checks ends by itself so long after it was last ordered …
SHED_RENEW_S = 30.0  # … which who watches does so often, …
SHED_LONGEST_S = 600.0  # … and nobody for longer than this at a time
SHED_PLACES = 4  # checks that run or wait of those who never signed in from there, meanwhile
SHED_KNOWN = 1_000_000  # pairs of account and network that are known, about 70 MB
PUT_OFF_S = 10.0  # checks that were put off are told of for so long …
PUT_OFF_KEPT = 1000  # … so many at most, …
PUT_OFF_FEW = 20  # … and so many say nothing of a load
SIGN_IN_WAIT_S = 5.0  # for a password check is too long: programs give up
VERIFIED_LIFE_S = 3600.0
VERIFIED_ENTRIES = 400_000  # about 60 MB; at 100,000 accounts with a few programs each
WRONG_LIFE_S = 600.0
WRONG_ENTRIES = 50_000
WRONG_BURST = 10  # different wrong passwords for one login from one network at once …
WRONG_EVERY_S = 20.0  # … and then one per so many seconds
OUTSIDE_LIFE_S = 300.0  # for so long a directory outside isn't asked again about a right password
SOURCE_CONNECT_S = 3  # until a server of a directory outside is there
SOURCE_ANSWER_S = 4  # until it has answered one question
SOURCE_READ_S = 120.0  # until it has given all its people
SOURCE_PAGE = 500  # entries of LDAP at once
SOURCE_REST_S = 5.0  # after no answer it isn't asked about passwords for so long
SOURCE_THREADS = 2  # questions about passwords at once, per process and directory
SOURCE_CHECKS = 64  # that wait for those threads
SOURCE_LEAST = 10  # accounts that may go at once, whatever their share …
SOURCE_SHARE = 0.2  # … or this share of a directory's accounts within a day
SOURCE_DAY_S = 86_400.0
OIDC_LOOK_S = 15.0  # a provider's state is looked at no more often
OIDC_ANSWER_S = 5.0
OIDC_SKEW_S = 60  # between its clock and ours
HISTORY_DAYS = 90  # sign-ins are shown and kept for so long
HISTORY_GAP_S = 86_400.0  # equal sign-ins with less between them are one line …
HISTORY_SPAN_S = 30 * 86_400.0  # … of at most so long
HISTORY_PENDING = 10_000  # lines a process holds until they are written
HISTORY_ROWS_PER_ACCOUNT = 300  # of each result, per process
FACTORS_REMEMBERED = 50_000  # codes and challenges that were taken, so that none is taken twice
PASSKEY_ANSWER_BYTES = 16 * KIB
ASKED_WAITING = 10_000  # requests kept while the people process is gone
ASKED_REMEMBERED = 20_000  # outcomes of such requests that can be asked for
ASKED_TRY_S = 2.0  # a person waits so long for the people process before the request is kept

# Relay: how long to wait for what (RFC 5321 §4.5.3.2), and how much at once
RELAY_CONNECT_S = 30.0
RELAY_REPLY_S = 300.0
RELAY_CONTENT_S = 600.0
RELAY_MESSAGES_PER_CONNECTION = 100
RELAY_WITNESSES = 3  # destinations that say the same of our way out …
RELAY_WITNESSES_S = 600.0  # … within this
RELAY_LISTED_S = 2 * 86_400.0  # mail that is refused for our address waits, where several refuse it …
RELAY_LISTED_ALONE_S = 4 * 3600.0  # … or one alone: its sender is told sooner
RELAY_LISTED_KEPT_S = 6 * 3600.0  # a refusal is remembered; longer than between two tries
RELAY_FATES = 20_000  # recipients whose end can be asked for, the last ones
DSN_FULL_BYTES = 256 * KIB  # a larger message isn't given back whole, only its header
SECOND_TRY_S = 5 * 86_400  # for so long a message in doubt, sent again, is a second try (RFC 5321 §4.5.4.1)

# Who answers while a role's processes end again and again
STAND_IN_AFTER_S = 1.0  # since one of them last served: a single end is over by then
STAND_IN_RETRY_S = 10  # who was sent away is to come again; the longest pause between two starts
STAND_IN_STOP_S = 5.0  # one that was asked to end is killed then
STAND_IN_AGAIN_S = 5.0  # after one ended by itself

# Pages and HTTP
WEB_CONNECTIONS = 2000  # per process
WEB_CONNECTIONS_PER_ADDRESS = 200  # a household or an office behind one address; trusted proxies are exempt
WEB_HEAD_BYTES = 32 * KIB  # a request's line and fields
WEB_HEAD_S = 20.0  # to send them
WEB_IDLE_S = 20.0  # a connection between two requests
WEB_BODY_S = 30.0  # for a form to arrive
WEB_UPLOAD_S = 300.0  # for a file
WEB_FORM_BYTES = 128 * KIB
WEB_UPLOAD_BYTES = 64 * MIB
WEB_FIELDS = 500
WEB_STOP_S = 2.0  # for requests in work when a process ends
WEB_SEND_S = 60.0  # a client that takes nothing of an answer for so long is cut off
WEB_SOCKET_PING_S = 30.0  # a websocket whose other end is gone is noticed after so long …
WEB_SOCKET_PONG_S = 30.0  # … and as long to answer
WEB_STEP_S = 600.0  # between the password and the second factor
WEB_FRESH_GRACE_S = 600.0  # a form opened while the sign-in was fresh may be sent so much later
WEB_ENDED = 100_000  # sessions signed out that a process remembers
PACE_KEYS = 50_000
HTTP_CONNECT_S = 5.0  # to what is not ours
HTTP_ANSWER_S = 15.0
HTTP_ANSWER_BYTES = 4 * MIB

# Proofs: codes to phones and second addresses
PROOF_CODE_S = 600.0  # a code is good for so long after it was sent
PROOF_TRIES = 5  # per proof, over all its codes
PROOF_CODES = 4  # the first, and those asked for again …
PROOF_AGAIN_S = 30.0  # … not sooner than after so long
PROOF_PER_HOUR = 6  # codes to one contact
PROOF_PER_DAY = 12
PROOF_WAITS_S = 86_400.0  # a code that no gateway takes is given up after so long; proofs are forgotten then
PROOF_SPEND_S = 1800.0  # after a right code, what it was for is to be done within
PROOFS_MOST = 100_000  # kept at a time
PROOF_RETRY_FIRST_S = 1.0  # until a gateway that was out of reach is asked again …
PROOF_RETRY_LONGEST_S = 30.0  # … twice as long each time, up to this
PROOF_SENDS = 8  # codes on their way to gateways at a time
PROOF_LEASE_S = 15.0  # for so long a code belongs to the process that sends it
GATEWAY_S = 10.0  # a gateway that says nothing for so long is out of reach
LETTERS_MOST = 1000  # notices to contacts on their way; more are not sent …
LETTER_LIFE_S = 86_400.0  # … nor after so long

# Administration
ADMIN_PAGE = 100  # rows of a page, where who asks says nothing …
ADMIN_PAGE_MOST = 1000  # … and at most
ADMIN_SCAN = 5_000  # rows looked at for one page that leaves many out
ADMIN_BULK = 10_000  # accounts of one bulk change
ADMIN_BODY_BYTES = 2 * MIB
IMPORT_BYTES = 64 * MIB
IMPORT_LINES = 500_000
IMPORT_FAULTS = 100  # lines named in a report
IMPORT_LIFE_S = 7 * 86_400.0  # a report may be carried out for so long
IMPORTS_MOST = 1000  # reports kept
ONCE_KEYS = 100_000  # idempotency keys kept, with their answers …
ONCE_KEY_LIFE_S = 86_400.0  # … for so long
HOOK_TRY_S = 10.0  # an endpoint that says nothing for so long did not take the event
HOOK_RETRY_FIRST_S = 0.5
HOOK_RETRY_LONGEST_S = 300.0
HOOK_FRAMES = 200  # frames of the people ledger read at once
SEALED_EXPORT_BYTES = 512 * MIB  # of one answer

# DNS and certificates
DNS_CHECK_S = 6.0  # one question of a check; a name server that says nothing for so long can't be asked
MTA_STS_LIFE_S = 604_800  # RFC 8461 §3.2: weeks or longer; a week lets a mistake be over in a week
CERTIFICATE_LOOK_S = 2.0  # how soon a process takes up a new certificate
CERTIFICATE_WARN_DAYS = (30, 14, 7)  # before its end, of one that lives for 90 days or more
CERTIFICATES_OPEN = 500  # of domains, kept ready by a process
ACME_LOOK_S = 60.0  # how soon a new domain, or one whose DNS is ready now, is noticed
ACME_ORDER_S = 180.0  # for one certificate, from the order to the file
ACME_REQUEST_S = 30.0
ACME_RETRY_FIRST_S = 600.0  # authorities count failed validations by the hour
ACME_RETRY_LONGEST_S = 6 * 3600.0
ACME_INFO_S = 6 * 3600.0  # RFC 9773 §4.3.3: how often to ask when to renew, if the authority doesn't say
SETUP_REQUEST_BYTES = 64 * KIB  # what a mail program may say when it asks for its settings

# Sign-up
SIGNUP_NAME_CHARACTERS = 40  # of a local part that somebody chooses; RFC 5321 §4.5.3.1.1 allows 64
SIGNUP_WAITING = 10_000  # requests that wait for something that is out of reach
SIGNUP_DRAFT_S = 2 * 86_400  # a form that was begun may be gone on with for so long
SIGNUP_RETRY_FIRST_S = 1.0  # until what was out of reach is asked again …
SIGNUP_RETRY_LONGEST_S = 30.0  # … twice as long each time, up to this
SIGNUP_KEPT_S = 30 * 86_400.0  # what became of a request can be looked at for so long
SIGNUP_LOOKS = 40  # names looked up from one network at once …
SIGNUP_LOOK_EVERY_S = 5.0  # … and then one per so many seconds
CANARY_PASS_S = 60.0  # for so long the sign-up canary's pass exempts it from what visitors are asked for …
CANARY_SIGNUPS_DAY = 2000  # … and no more accounts a day than this, however many passes there are
SIGNUP_CODES = 10  # invitations and contract numbers tried from one network at once …
SIGNUP_CODE_EVERY_S = 60.0  # … and then one per so many seconds

# Self-service
FORGOTTEN_BURST = 20  # codes asked for from one network at once …
FORGOTTEN_EVERY_S = 30.0  # … and then one per so many seconds
UNDELETE_PAGE = 50  # removed messages of one page
UNDELETE_SCAN = 5000  # … looked at for it, where a search leaves many out
EXPORTS_MOST = 8  # downloads of one process at a time

# Incidents
INCIDENT_FAILURES = 2  # of one trial in a row, and an incident is opened
INCIDENT_SIGNAL_S = 5.0  # … or one, and a real session that met the same, not further apart than this
INCIDENT_HEARD = 5  # … or real sessions alone met it at so many looks in a row
INCIDENT_QUIET_S = 60.0  # all its functions work for so long, and it is closed
INCIDENT_REOPEN_S = 600.0  # what fails again so soon after the end is the same incident
INCIDENT_TOGETHER_S = 30.0  # what fails within this, by an unknown cause, is one incident until more is known
INCIDENT_UPDATE_S = 1800.0  # the next update is never promised for later than this
INCIDENT_FOUND_S = 5.0  # findings of the same states are written no more often
AFFECTED_NAMED = 1000  # accounts that are named one by one; where there are more, all may be hit
AFFECTED_AGAIN_S = 10.0  # between two looks at whom an old copy doesn't know
AFFECTED_LASTS_S = 15.0  # what no named cause explains and fails for so long hits somebody, too
INCIDENT_PLACES = 20  # where nearly all is missed, of one incident
INCIDENT_TRIALS = 20  # that don't go well, named in one entry
INCIDENT_ENTRIES = 10_000  # of one incident's timeline; findings go first
FINDING_FRESH_S = 600.0  # what was tried longer ago is unknown
INCIDENT_WRITE_S = 5.0  # what isn't durable after so long isn't for now
INCIDENT_RETRY_S = 2.0  # until a ledger that doesn't take it is tried again
RECURRENCE_S = 180 * 86_400.0  # how far back an incident of the same fingerprint is the same again
REPORT_EVIDENCE = 12  # pieces of evidence of each sort that a diagnosis is kept with

# Watching
OUTCOMES_KEPT = 10  # of one trial, for the diagnosis …
OUTCOMES_S = 180.0  # … and of those before the last row of failures none that is older
VERDICT_S = 2.0  # a cause is named for so long before it is told
DOUBT_S = 6.0  # nothing is named for so long, and that is told
JUDGE_S = 1.0  # all that is known is judged so often, and when something changed
AROUND = 12  # trials that use the same as one that begins to fail, the longest: so many are tried at once
TRY_S = 90.0  # one run of whatever is tried; canaries out and back take a minute
DOOR_S = 2.0  # a door that says nothing for so long fails …
DOOR_SILENT_S = 0.5  # … and after so long is tried once more beside
SURE_S = 1.0  # what begins to fail is tried once more so soon after: what passes by itself has, by then
OWN_LAG_S = 0.25  # a time limit that is noticed so much later says nothing: this process itself was late
OWN_DESCRIPTORS = 8  # with fewer left those who watch can't tell their own fault from another's
WATCH_OPEN_S = 3.0  # the watch waits so long for its ledger, then goes on in memory
SIGNALS_LOOK_S = 2.0  # how often processes are asked for what their sessions met
CANARY_MAKE_S = 30.0  # until the people process is asked again to make canaries' accounts
NOW_EVERY_S = 4.0  # how it is now is told so often, and when something changed
NOW_REMEDIES = 20  # the last ones
NOW_STALE_S = 60.0  # how it is now isn't known by what was written longer ago
VANTAGE_EVERY_S = 2.0  # a vantage point tries each door, and is asked what it saw, so often
VANTAGE_ASK_S = 1.5  # it has so long to answer
VANTAGE_LATE_S = 10.0  # what it tried longer ago is unknown
VANTAGE_KEPT = 4  # of each door it tells the last ones: no failure is lost between two questions
VANTAGE_BYTES = 65_536  # of its answer
VANTAGE_DOORS = 64
VANTAGE_NAMES_S = 10.0  # it looks a name up so often, however many doors are there

# Signals
SLOW_EVENTS = 5  # fewer in a round say nothing about how long they take
SLOW_KEPT = 720  # rounds that say what is usual: two hours of ten seconds
SLOW_KNOWN = 60  # … and so many at least
SLOW_ROUNDS = 4  # in a row, and it is slow …
SLOW_TIMES = 6.0  # … if they take so many times what is usual, and none less than half of that …
SLOW_SCORE = 4.0  # … so many spreads more …
SLOW_LEAST_S = 0.05  # … and as long as a customer may notice
SLOW_USUAL = 8640  # after a day of it, it is usual
CHANGES_LOOK_S = 10.0  # how often it is looked for what was changed
CHANGES_KEPT_S = 86_400.0  # what was changed longer ago is told no more
CHANGES_MOST = 500  # … and of a process that ends again and again, the last
CHANGE_BEFORE_S = 600.0  # a change so long before a fault is told with it
START_TOGETHER_S = 30.0  # who starts so soon after the service, or after an end, does so because of it
SIGNALS_S = 30.0  # what real sessions met longer ago is no evidence of how things are
RATIO_S = 300.0  # how real use goes is said of the time since then …
RATIO_STEP_S = 10.0  # … in steps of so long
USE_LATE_S = 1.0  # what takes longer is late
RATIO_FEW = 20  # fewer tries make no ratio
RATIO_APART = 0.2  # where the share that goes well is so much smaller than elsewhere, it is said …
RATIO_SLOWER = 3.0  # … or where answers take so many times as long
RATIO_NEARLY_ALL = 0.9  # of what is missed
RATIO_PLACES = 5  # of one function, the worst

# Care
CUSTOMERS_LOOK_S = 20.0  # how often people are looked at for what has changed since the last snapshot
CUSTOMERS_USED_S = 3600.0  # how old what a snapshot says of the last use may be
ACTIVE_S = 30 * 86_400.0  # a mailbox used within this counts as active
TURN_S = 120.0  # one turn of one part of care; what takes longer is given up and tried again
TURN_TOLD_S = 2.0  # until what was told is to be seen in the ledger
CREDIT_BEFORE_S = 62 * 86_400.0  # how long ago an incident has no day or month in common with a new one
CREDIT_LOOK_S = 600.0  # how often what is owed is computed while nothing but the time changes
CREDIT_PAUSE_S = 30.0  # … and at most, whatever changes
CREDIT_TELL_S = 3600.0  # how often it is written down while the outage lasts
ESTIMATE_FIRST_S = 60.0  # how long a first estimate waits for a cause
ESTIMATE_PAUSE_S = 60.0  # between two estimates, when the diagnosis changed …
ESTIMATE_AGAIN_S = 300.0  # … and when it didn't
REPAIRS_KEPT = 1000  # of how many repairs the progress is kept
CARE_AFTER_S = 7 * 86_400.0  # how long after its end an incident is still counted, scored and credited

# Reports of customers, and of ours
REPORT_LETTERS = 2000  # of what somebody saw
REPORT_ADDRESS_LETTERS = 254  # RFC 5321 §4.5.3.1.3
REPORT_KEEP_S = 90 * 86_400.0  # then it is deleted, with the address in it
REPORTS_KEPT = 200_000  # more aren't taken: by then everybody knows
REPORTS_BURST = 6  # from one network at once, …
REPORTS_EVERY_S = 120.0  # … and then one in so long
REPORT_TWICE_S = 600.0  # the same, sent again within this, is one
REPORT_APART_S = 1800.0  # what lies further apart isn't one cluster
REPORT_ALIKE = 0.3  # share of words in common from which two are about the same
REPORTS_COMPARED = 2000  # with each other; the newest
REPORTS_SHOWN = 100  # the newest, on the console
REPORT_EARLY_S = 3600.0  # a fault may have hit somebody so long before it made a trial fail
REPORT_LATE_S = 600.0  # after the end of an incident a report may still be about it
REPORTS_FIRST = 3  # of one function, by as many people, within …
REPORTS_FIRST_S = 600.0  # … this, and no incident: customers come first
REPORTED_AGAIN_S = 60.0  # how often the record takes a new count
REPORT_DRAFT_S = 60.0  # how often drafts are brought up to date
REPORT_DRAFTED_S = 60 * 86_400.0  # after the end of an incident they are left as they are

# Canaries
CANARY_S = 12.0  # one of them, all steps; what waits for others says so itself
CANARY_STEP_S = 3.0
CANARY_SEEN_S = 5.0  # until what was taken is to be seen
CANARY_OUTSIDE_S = 60.0  # until a message is back from outside, at most …
CANARY_BACK_TIMES = 4.0  # … and so many times as long as the longest of late …
CANARY_BACK_S = 5.0  # … and at least
CANARY_RETURNS = 20  # messages whose way back says what is usual …
CANARY_RETURNS_KNOWN = 3  # … and so many at least
CANARY_LATE = 5  # looks in a row that find late ones, and that is usual
CANARY_HASTY_S = 60.0  # what is sent elsewhere is sent more often for so long after it has begun to fail
CANARY_LEFT_S = 86_400.0  # an account that was never made is looked for no longer
CANARY_PAGE_BYTES = MIB

# Status page
STATUS_HISTORY_DAYS = 90  # days of each function's history
STATUS_EVERY_S = 25.0  # how often it is written anew when nothing changes
STATUS_PAST_S = 600.0  # … and the pages of incidents that are over
STATUS_TENANTS_S = 300.0  # … and tenants' pages
STATUS_TENANTS = 200  # whose customers have pages of their own
STATUS_OWN_S = 3600.0  # … and customers' own pages
STATUS_OWN_PAUSE_S = 20.0  # how often customers' own pages are made anew when something changes
PUSH_S = 60.0  # one batch of files to one place
PUSH_TURN_S = 20.0  # for so long one look goes on putting files there
PUSH_PAUSE_S = 2.0  # after a failure; twice as long each time …
PUSH_PAUSE_LONGEST_S = 60.0  # … up to this
STATUS_PAST_INCIDENTS = 50  # that are over, and still have their pages

# Checks of components; a finding says more than it must when one is exceeded
DISK_FREE_BYTES = 2048 * MIB  # less is warned of
DISK_FREE_LEAST_BYTES = 256 * MIB  # with less, the next hours are not certain
CHECK_S = 5.0  # one check
DISK_SYNC_S = 1.0  # a small file written and synced
DISK_FULL_S = 3 * 3600.0  # a disk that is full sooner, if it goes on filling, is warned of
DISK_SAMPLE_S = 10.0  # how much is free is noted so often …
DISK_SAMPLES = 180  # … for half an hour …
DISK_TREND_S = 300.0  # … and less than this is no trend
LOOP_LAG_S = 0.5  # until a process says what it counts
SILENT_ANSWER_S = 0.75  # … and until one does that was silent at the last look
LOOP_SILENT_S = 3.0  # a loop that beats every second has stood still
READY_LATE_S = 20.0  # a process that serves no sooner after its start
CRASH_AGAIN_S = 10.0  # a process that ends unasked, lives for less, and ends again doesn't hold; nor …
CRASH_LOOP = 3  # … one with so many unasked ends within 5 minutes, the last not longer ago than …
CRASH_LOOP_S = 60.0
CRASH_OUTLIVED_S = 5.0  # and three times as long as its last life: then that is over
FILES_S = 0.02  # of one look at files, as many as fit …
FILE_LOOK_S = 0.03  # … and of each so much, however large it is
MAKING_S = 3.0  # for the store to make the indexes that a new installation hasn't
LOCK_HELD_S = 0.5  # a stranger's lock on a database of ours: one held for as long is no chance
RUNNING_FRESH_S = 1.0  # what the processes tell is asked for no more often, whoever looks
PEOPLE_LEFT_LEAST = 100  # active accounts gone within BULK_WINDOW_S, unannounced, and …
PEOPLE_LEFT_SHARE = 0.01  # … that share of all: somebody has to know
THREAD_STUCK_S = 5.0  # at one commit, or until what needs a thread has one
COPY_STALE_S = 60.0  # a process's copy of the people
QUEUE_AGE_S = 6 * 3600.0  # the oldest mail that waits to go elsewhere
QUEUE_GROWTH = 500  # messages more than at the last look
UNMERGED_BYTES = 512 * MIB  # accepted and not shown yet; a pack that isn't the last counts whole
CLOCK_APART_S = 5.0
SCRUB_BYTES = 4 * MIB  # of one ledger, read at each look to see whether its frames are whole
FRAME_COPY_S = 3600.0  # that a frame was read from a copy is told for so long: the disk goes bad
SCRUB_DAMAGED = 100  # damaged stretches of one ledger that are looked at again each time

# Remedies that are carried out by themselves
REMEDY_APART_S = 900.0  # until the same component is touched again
REMEDY_TRIES = 3  # of one component in one incident
REMEDY_PAUSE_S = 30.0  # between two restarts of processes
REMEDY_ROLE_APART_S = 300.0  # within this, one worker of a role at least isn't touched
REMEDY_SHARE = 0.25  # of all processes, within an hour; one is always allowed
REMEDY_BACK_S = 600.0  # what was rerouted or held goes its own way again once that has worked for so long
ROLL_SEEN_S = 300.0  # what fails so soon after a rolling restart began may be its doing
REMEDY_ANSWER_S = 5.0  # until who carries it out says that it does
REMEDY_STOP_S = 3.0  # for a process at fault to end what it holds

# Notices
NOTICE_PATIENCE_S = 40.0  # what is found out within this is in the first one, and says whom it is for
NOTICE_EARLY_S = 300.0  # an update is told so long before it was promised for
NOTICE_GAP_S = 900.0  # between two that people hear of …
NOTICE_GAP_SHARE = 0.25  # … or this part of how long it lasts, where only numbers moved …
NOTICE_GAP_LONGEST_S = 6 * 3600.0  # … up to this
NOTICE_CORRECTION_S = 120.0  # until one that puts right what was wrong
NOTICE_HEARD_S = 86_400.0  # who has heard nothing for so long hears that it goes on
NOTICE_RESTLESS_S = 3600.0  # what ended twice within this and fails again is told with the gap between
NOTICE_ENDED_S = 7 * 86_400.0  # what ended longer ago is told nobody any more
NOTICE_MOVED_S = 900.0  # an end that is expected so much sooner or later is news …
NOTICE_MOVED_SHARE = 0.25  # … if that is such a part of the interval that was told
NOTICE_MORE_SHARE = 0.1  # so many more customers than were told are news to all
NOTICE_SLACK = 5  # customers more than were counted, and that share of them, are still told
NOTICE_BATCH = 500  # messages read at once
NOTICE_RETRY_FIRST_S = 2.0  # until a channel that was out of reach is tried again for a customer …
NOTICE_RETRY_LONGEST_S = 60.0  # … twice as long each time, up to this
NOTICE_TRIES = 3  # of one channel, where there is another
NOTICE_SWITCH_S = 60.0  # a channel out of reach for so long loses what waits for it to the next
NOTICE_REST_S = 5.0  # between two tries of a channel that takes nothing
NOTICE_LIFE_S = 86_400.0  # without another channel it is tried for so long
NOTICE_COUNTED_S = 60.0  # how far a notice has come is written down no more often
NOTICE_KEPT_S = 400 * 86_400.0  # who was told what is known for so long
LETTERS_PER_FILE = 500
SMS_SEGMENTS = 2  # of one text message

# The operator's console
CONSOLE_TOKENS = 50  # that hold at a time
CONSOLE_NAME_LETTERS = 60  # of an operator
CONSOLE_TEXT_LETTERS = 2000  # of a note, or of something to be done
CONSOLE_BURST = 10  # tokens tried from one address at once …
CONSOLE_EVERY_S = 10.0  # … and then one per so many seconds
CONSOLE_INCIDENTS = 200  # of the list, the newest
CONSOLE_UNTOLD = 200  # notes that wait for the watch to be back
