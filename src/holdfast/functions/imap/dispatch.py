"""Which command is whose: the one table."""

from __future__ import annotations

from holdfast.functions.imap import listing, mailboxes, messages, quota, selecting, signin
from holdfast.functions.imap.session import Handler
from holdfast.wire.imap import commands as c

HANDLERS: dict[type[c.Command], Handler] = {
    c.Capability: signin.capability,
    c.Noop: signin.noop,
    c.Logout: signin.logout,
    c.Id: signin.identify,
    c.StartTls: signin.start_tls,
    c.Authenticate: signin.authenticate,
    c.Login: signin.login,
    c.Enable: signin.enable,
    c.Select: selecting.select,
    c.Close: selecting.close,
    c.Unselect: selecting.unselect,
    c.Check: selecting.check,
    c.Idle: selecting.idle,
    c.Expunge: selecting.expunge,
    c.List: listing.list_mailboxes,
    c.Lsub: listing.lsub,
    c.Status: listing.status,
    c.Namespace: listing.namespace,
    c.GetQuota: quota.get_quota,
    c.GetQuotaRoot: quota.get_quota_root,
    c.Create: mailboxes.create,
    c.Delete: mailboxes.delete,
    c.Rename: mailboxes.rename,
    c.Subscribe: mailboxes.subscribe,
    c.Unsubscribe: mailboxes.unsubscribe,
    c.Append: mailboxes.append,
    c.Fetch: messages.fetch_messages,
    c.Store: messages.store_flags,
    c.Copy: messages.copy,
    c.Move: messages.move,
    c.Search: messages.search,
}
